// Keeps the streams of all histories there, as the configuration says at the moment: looks every few seconds and at once after a change.
// What is done with one stream is keep-stream.ts's. Whether all were there is what readiness asks.
import { isDeepStrictEqual } from 'node:util'
import { createHistoryStores, createSubjects, decodeRollbackClaim } from '@sluice/proto'
import type { Logger } from '@sluice/service/log'
import type { Tally } from '@sluice/service/metrics/tally'
import type { Throttle } from '@sluice/service/throttle'
import type { StreamConfig } from '../store/store-configs.ts'
import { type HistoryConfig, historyConfigs } from './history-configs.ts'
import { createStreamKeeper, type StreamCondition, type StreamKeeper, type StreamKeeperOptions } from './keep-stream.ts'
import { leftStreams } from './left-streams.ts'
import { createStreamLog, type StreamLog } from './stream-log.ts'

/** See {@link keepHistory}. */
export interface KeepHistoryOptions extends Pick<StreamKeeperOptions, 'nats' | 'newGeneration' | 'random' | 'pause'> {
  readonly config: HistoryConfig
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly throttle: Throttle
  readonly counters: { readonly stores: Tally; historyRollbacks: number }
}

/** Kept histories. */
export interface KeptHistory {
  /** Whether all configured streams were there together; it stays so once they were. */
  readonly made: boolean
  /** How many streams are so at the moment. */
  count(condition: StreamCondition): number
  /** Looks now; at most one look at a time. */
  check(): Promise<void>
  /** The configuration has changed. */
  apply(config: HistoryConfig): void
  stop(): void
}

/** Between two looks: new namespaces and lost streams wait for it, and a lost end should not be overgrown before it is seen. */
const EVERY_MS = 2000
/** Streams that are looked at at the same time: one without a leader holds up no other. */
const LOOKS_MAX = 8

interface Kept {
  readonly keeper: StreamKeeper
  wanted: StreamConfig
  condition: StreamCondition
}

/** Begins to keep them. */
export function keepHistory(options: KeepHistoryOptions): KeptHistory {
  const { nats, counters } = options
  const tell = createStreamLog(options)
  const streams = new Map<string, Kept>()
  const left = createLeftTeller(options, tell, streams)
  let made = false
  let stopped = false
  let looking: Promise<void> | null = null

  function want(config: HistoryConfig): void {
    const wanted = historyConfigs(config)
    for (const name of streams.keys()) if (!wanted.has(name)) streams.delete(name)
    for (const [name, stream] of wanted) {
      const kept = streams.get(name)
      if (kept === undefined) {
        const keeper = createStreamKeeper(stream, { ...options, ...tell })
        streams.set(name, { keeper, wanted: stream, condition: 'missing' })
      } else if (!isDeepStrictEqual(kept.wanted, stream)) {
        kept.wanted = stream
        kept.keeper.want(stream)
      }
    }
    if (streams.size === 0) made = true
    left.again()
  }

  async function lookAt(kept: Kept): Promise<void> {
    const { name } = kept.wanted
    try {
      const look = await kept.keeper.look()
      kept.condition = look.condition
      if (look.failed) counters.stores.add('failed')
      tell.onLook(name, look)
    } catch (error) {
      counters.stores.add('failed')
      tell.onUnanswered(name, error)
    }
  }

  async function look(): Promise<void> {
    const waiting = [...streams.values()]
    const work = async (): Promise<void> => {
      for (let kept = waiting.pop(); kept !== undefined && !stopped; kept = waiting.pop()) await lookAt(kept)
    }
    await Promise.all(Array.from({ length: LOOKS_MAX }, work))
    if ([...streams.values()].every(({ condition }) => condition === 'kept' || condition === 'differs')) made = true
    await left.look()
  }

  function check(): Promise<void> {
    if (!nats.connected || stopped) return Promise.resolve()
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }

  want(options.config)
  void check()
  // Others answer on this subject; a claim asks for no answer.
  const claims = nats.subscribe(createSubjects(options.config.nats.prefix).gather(), ({ data }) => {
    const claim = decodeRollbackClaim(data)
    if (claim !== null && typeof claim !== 'string') streams.get(claim.stream)?.keeper.claimed(claim)
  })
  const timer = setInterval(() => void check(), EVERY_MS)
  return {
    get made() {
      return made
    },
    count: (condition) => [...streams.values()].filter((kept) => kept.condition === condition).length,
    check,
    apply(config) {
      want(config)
      // The look under way may have passed the change.
      void check().then(check)
    },
    stop() {
      stopped = true
      claims.unsubscribe()
      clearInterval(timer)
    },
  }
}

/** Tells of streams that are configured no more: once, after a start and after each change. */
function createLeftTeller(
  { nats, config }: KeepHistoryOptions,
  tell: StreamLog,
  streams: ReadonlyMap<string, unknown>,
) {
  const stores = createHistoryStores(config.nats.prefix)
  let due = true
  return {
    again() {
      due = true
    },
    async look() {
      if (!due) return
      due = false
      try {
        tell.onLeft(await leftStreams(nats, stores, new Set(streams.keys())))
      } catch (error) {
        due = true
        tell.onUnanswered('STREAM.NAMES', error)
      }
    },
  }
}
