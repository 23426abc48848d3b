// Orders and answers by lines with a process: one answer for each order, and lines that come by themselves. Knows nothing of what they
// mean, but that `failed` ends everything.
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

const FAILED = 'failed '

/** A process that is spoken to. */
export interface LineTalk {
  order(line: string): void
  /**
   * The words of the next line that begins with one, without that word.
   *
   * @throws Error if the process has failed, or says nothing in time
   */
  answer(word: string, waitMs: number): Promise<string[]>
  /** Waits until something holds, looking at each line that comes; null if it does not in time. */
  until<found>(look: () => found | null, waitMs: number): Promise<found | null>
}

/** @param heard - takes lines that are no answers: true for those that it took */
export function talkTo(child: ChildProcess, name: string, heard: (line: string) => boolean): LineTalk {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error(`${name} has no streams`)
  const lines: string[] = []
  let wake = Promise.withResolvers<void>()
  const take = (line: string): void => {
    if (!heard(line)) lines.push(line)
    wake.resolve()
    wake = Promise.withResolvers<void>()
  }
  createInterface({ input: stdout }).on('line', take)
  child.once('exit', () => take(`${FAILED}it has ended`))

  async function until<found>(look: () => found | null, waitMs: number): Promise<found | null> {
    const endsAt = performance.now() + waitMs
    for (;;) {
      const failed = lines.find((line) => line.startsWith(FAILED))
      if (failed !== undefined) throw new Error(`${name}: ${failed.slice(FAILED.length)}`)
      const found = look()
      if (found !== null) return found
      const leftMs = endsAt - performance.now()
      if (leftMs <= 0) return null
      const late = Promise.withResolvers<void>()
      const timer = setTimeout(late.resolve, leftMs)
      await Promise.race([wake.promise, late.promise])
      clearTimeout(timer)
    }
  }
  return {
    until,
    order: (line) => void stdin.write(`${line}\n`),
    async answer(word, waitMs) {
      const found = await until(() => {
        const at = lines.findIndex((line) => line === word || line.startsWith(`${word} `))
        return at === -1 ? null : (lines.splice(at, 1)[0] ?? null)
      }, waitMs)
      if (found === null) throw new Error(`${name}: no line “${word}” in time`)
      return found.split(' ').slice(1)
    },
  }
}
