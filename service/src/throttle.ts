// Lets a line of the log through once in a while for each kind, so that a flood of bad input does not become a flood of lines.

/** Whether the kind may be logged now, and how many of it were held back before. */
export type Throttle = (kind: string) => { readonly held: number } | null

/** Kinds remembered; they are ours, so this is a bound that is never reached. */
const KINDS_MAX = 256

/**
 * @param everyMs - one of a kind in this time
 * @param nowMs - monotonic
 */
export function createThrottle(everyMs: number, nowMs: () => number): Throttle {
  const kinds = new Map<string, { at: number; held: number }>()
  return (kind) => {
    const now = nowMs()
    const known = kinds.get(kind)
    if (known !== undefined && now - known.at < everyMs) {
      known.held++
      return null
    }
    if (known === undefined && kinds.size >= KINDS_MAX) return null
    kinds.set(kind, { at: now, held: 0 })
    return { held: known?.held ?? 0 }
  }
}
