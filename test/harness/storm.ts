// Bad weather for a link, by a seed: what comes when, and for how long. Knows nothing of who uses the link.
import { setTimeout as pause } from 'node:timers/promises'
import type { RoughLink, Weather } from './rough-link.ts'

/** Numbers from 0 to 1, the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** How often each thing was done. */
export type StormTally = Record<'cut' | 'closed' | Exclude<Weather, 'clear'>, number>

/** See {@link storm}. */
export interface StormOptions {
  readonly link: RoughLink
  readonly random: () => number
  readonly ms: number
  /** The longest that one direction is dead. */
  readonly deadMs: number
}

const CALM_MS = 900
const CLOSED_MS = 1200
const ROUGH_MS = 2000

/** Makes it, and leaves the link open and clear. */
export async function storm({ link, random, ms, deadMs }: StormOptions): Promise<StormTally> {
  const tally: StormTally = { cut: 0, closed: 0, late: 0, slow: 0, deaf: 0, mute: 0 }
  const kinds = ['cut', 'late', 'closed', 'deaf', 'slow', 'mute', 'cut'] as const
  const endsAt = performance.now() + ms
  for (let at = 0; performance.now() < endsAt; at++) {
    await pause(50 + CALM_MS * random())
    const kind = kinds[at % kinds.length] as (typeof kinds)[number]
    tally[kind]++
    if (kind === 'cut') link.cut()
    else if (kind === 'closed') {
      link.admit(false)
      link.cut()
      await pause(CLOSED_MS * random() ** 2)
      link.admit(true)
    } else {
      link.weather = kind
      // Mostly short, at times as long as it may be.
      await pause(kind === 'deaf' || kind === 'mute' ? deadMs * random() ** 3 : ROUGH_MS * random())
      // A half-open connection ends one day, or its bytes come after all.
      if (random() < 0.5) link.cut()
      link.weather = 'clear'
    }
  }
  return tally
}
