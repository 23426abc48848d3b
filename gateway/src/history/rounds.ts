// Gathers what is asked of one stream at about the same time into one round: all of a turn, and while a round is under way, all until
// it ends. A storm of joins takes a few rounds, not one for each turn; who comes alone waits for nobody. Knows nothing of what a
// round does.
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'

/** Rounds of all streams. */
export interface Rounds<item, result> {
  /** Takes part in the next round of a stream; resolves with what that round gives. */
  take(stream: string, item: item): Promise<result>
}

interface Round<item, result> {
  readonly items: Set<item>
  readonly done: Promise<result>
}

/** Nobody waits longer for those who come after: a leader that does not answer holds up no round but its own. */
const GATHER_MS = 250
/** So many while another round is under way are a storm: more of them are on their way. */
const STORM_ITEMS = 16
/** So many are a gateway's whole crowd coming over: their round waits while a storm's worth comes in each step, a second in all. */
const SURGE_ITEMS = 64
const SURGE_STEP_MS = 50
const GATHER_MAX_MS = 1000

/**
 * Makes them; a round that rejects does so for all who took part.
 *
 * @param company - resolves when those who were on their way to a round of a stream have come; none by default
 */
export function createRounds<item, result>(
  run: (stream: string, items: ReadonlySet<item>) => Promise<result>,
  company: (stream: string) => Promise<unknown> | null = () => null,
): Rounds<item, result> {
  /** Those that have not begun. */
  const gathering = new Map<string, Round<item, result>>()
  /** Those that began last, until they end. */
  const running = new Map<string, Promise<unknown>>()

  async function gathered(stream: string, items: ReadonlySet<item>): Promise<void> {
    await turn()
    const before = running.get(stream)
    const others = company(stream)
    if (before === undefined && others === null) return
    const begins = new AbortController()
    // An aborted pause rejects.
    const late = pause(GATHER_MS, undefined, { signal: begins.signal }).catch(() => undefined)
    await Promise.race([Promise.all([before, others]), late])
    if (items.size >= STORM_ITEMS) await late
    begins.abort()
    if (items.size >= STORM_ITEMS && others !== null) await Promise.race([others, pause(GATHER_MAX_MS - GATHER_MS)])
    else if (items.size >= SURGE_ITEMS) await surged(items)
  }

  /** Waits while more are coming as fast as from a gateway that has just gone. */
  async function surged(items: ReadonlySet<item>): Promise<void> {
    for (let waitedMs = GATHER_MS; waitedMs < GATHER_MAX_MS; waitedMs += SURGE_STEP_MS) {
      const had = items.size
      await pause(SURGE_STEP_MS)
      if (items.size - had < STORM_ITEMS) return
    }
  }

  async function begin(stream: string, items: ReadonlySet<item>): Promise<result> {
    await gathered(stream, items)
    gathering.delete(stream)
    const round = run(stream, items)
    const ended = round.then(forget, forget)
    running.set(stream, ended)
    function forget(): void {
      if (running.get(stream) === ended) running.delete(stream)
    }
    return round
  }

  return {
    take(stream, item) {
      const known = gathering.get(stream)
      if (known !== undefined) {
        known.items.add(item)
        return known.done
      }
      const items = new Set([item])
      const done = begin(stream, items)
      gathering.set(stream, { items, done })
      return done
    },
  }
}
