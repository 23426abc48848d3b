// Which blocks of the code under fuzz have run, by V8's own precise coverage of this thread. Owns what was seen; never a source map.
import { type Profiler, Session } from 'node:inspector'

/** Coverage since it was started. */
export interface Coverage extends Disposable {
  /** Blocks that have run so far, as V8 divides functions. */
  readonly blocks: number
  /** Those that ran since the last call and are not noted yet. */
  unseen(): readonly string[]
  /** Notes blocks as seen. */
  note(blocks: readonly string[]): void
}

/** Starts to look. @param covers - whether a script's URL counts */
export function startCoverage(covers: (url: string) => boolean): Coverage {
  const session = new Session()
  session.connect()
  // In one thread the inspector answers within the call.
  const post = (method: string, params: object): unknown => {
    let answer: unknown
    session.post(method, params, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${JSON.stringify(error)}`)
      answer = result
    })
    return answer
  }
  post('Profiler.enable', {})
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  const seen = new Set<string>()
  return {
    get blocks() {
      return seen.size
    },
    unseen() {
      const fresh: string[] = []
      const { result } = post('Profiler.takePreciseCoverage', {}) as Profiler.TakePreciseCoverageReturnType
      for (const { url, functions } of result) {
        if (!covers(url)) continue
        for (const { ranges } of functions)
          for (const { startOffset, endOffset, count } of ranges) {
            const block = `${url}:${startOffset}:${endOffset}`
            if (count > 0 && !seen.has(block)) fresh.push(block)
          }
      }
      return fresh
    },
    note(blocks) {
      for (const block of blocks) seen.add(block)
    },
    [Symbol.dispose]: () => session.disconnect(),
  }
}
