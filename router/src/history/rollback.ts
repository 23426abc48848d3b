// Whether a stream has lost its end: a server that lost its power comes back with an older copy of the store, under the same creation
// time, and gives the lost offsets to other messages. Pure; who looks and writes the new generation is keep-stream.ts.

/** The end of a stream as its leader tells it. */
export interface StreamEnd {
  readonly created: string
  readonly generation: string
  readonly sequence: number
  /** Of the last message stored, as text with nanoseconds. */
  readonly time: string
}

/** What is remembered of a stream. */
export interface SeenStream {
  readonly end: StreamEnd
  /** Generations before the present one, since we know the stream; the newest last. */
  readonly superseded: readonly string[]
  /** Once its end was lower than one that we have seen, only the very message that stood there clears it. */
  readonly suspected: boolean
}

/**
 * What the end means beside what we have seen:
 * - `good`: it goes on, or it is another stream or generation, of which nothing is known;
 * - `lost`: it has lost its end, or the settings of an older copy are back;
 * - `unknown`: ask which message stands where we saw the end.
 */
export type EndJudgement = 'good' | 'lost' | 'unknown'

/** Generations remembered: each is a loss of power. */
const SUPERSEDED_MAX = 32

/** Judges an end by itself. */
export function judgeEnd({ end, superseded }: SeenStream, now: StreamEnd): EndJudgement {
  if (now.created !== end.created) return 'good'
  if (superseded.includes(now.generation)) return 'lost'
  if (now.generation !== end.generation) return 'good'
  if (now.sequence < end.sequence) return 'lost'
  // Of a stream that was empty there is no end to lose, and no message to look at.
  if (end.sequence === 0) return 'good'
  return now.sequence === end.sequence && now.time === end.time ? 'good' : 'unknown'
}

/**
 * Judges an `unknown` end by the message that stands where we saw the last one.
 *
 * @param time - when that message was stored; null if it is kept no more
 */
export function judgeMessage({ end, suspected }: SeenStream, time: string | null): 'good' | 'lost' {
  if (time === null) return suspected ? 'lost' : 'good'
  return time === end.time ? 'good' : 'lost'
}

/** What is remembered after a look that found nothing wrong, or after a new generation was written. */
export function remember(seen: SeenStream | null, end: StreamEnd): SeenStream {
  if (seen === null || seen.end.created !== end.created) return { end, superseded: [], suspected: false }
  if (seen.end.generation === end.generation) return { end, superseded: seen.superseded, suspected: false }
  const superseded = [...seen.superseded, seen.end.generation].slice(-SUPERSEDED_MAX)
  return { end, superseded, suspected: false }
}

/** What is remembered of one that seems to have lost its end, until a new generation is written. */
export function suspect(seen: SeenStream): SeenStream {
  return { ...seen, suspected: true }
}
