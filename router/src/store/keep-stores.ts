// Keeps the stores there: makes them at the start, brings them up to date once, and makes one that was lost again within seconds.
// Whether they were all there is what readiness asks.
import type { PresenceStores } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Logger } from '@sluice/service/log'
import type { Tally } from '@sluice/service/metrics/tally'
import type { Throttle } from '@sluice/service/throttle'
import { ensureStore, StoreNotUpdated } from './create-stores.ts'
import { type StoreOptions, type StreamConfig, storeConfigs } from './store-configs.ts'

/** See {@link keepStores}. */
export interface KeepStoresOptions {
  readonly nats: NatsPort
  readonly stores: PresenceStores
  readonly settings: StoreOptions
  /** Wall time in milliseconds. */
  readonly now: () => number
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly throttle: Throttle
  readonly counters: { readonly stores: Tally }
  /** All of them are there, for the first time. */
  readonly onMade: () => void
}

/** Kept stores. */
export interface KeptStores {
  /** Looks now; at most one look at a time. */
  check(): Promise<void>
  stop(): void
}

/** Between two looks: a lost store is back before a lease has run out. */
const EVERY_MS = 2000

/** Begins to keep them. */
export function keepStores({
  nats,
  stores,
  settings,
  now,
  log,
  throttle,
  counters,
  onMade,
}: KeepStoresOptions): KeptStores {
  /** Brought up to date by us: once, or two routers with different settings would turn each other's back for ever. */
  const settled = new Set<string>()
  let made = false
  let stopped = false
  let looking: Promise<void> | null = null

  async function ensure(wanted: StreamConfig): Promise<boolean> {
    try {
      const outcome = await ensureStore(nats, wanted, { update: !settled.has(wanted.name) })
      settled.add(wanted.name)
      if (outcome !== 'unchanged') {
        counters.stores.add(outcome)
        log.info({ store: wanted.name, outcome }, 'a store was made or changed')
      }
      return true
    } catch (error) {
      counters.stores.add('failed')
      const reason = error instanceof Error ? error.message : String(error)
      if (throttle(`store ${wanted.name}`) !== null)
        log.warn({ reason }, 'a store could not be made right; it is repeated')
      // It serves as it is.
      return error instanceof StoreNotUpdated
    }
  }

  async function look(): Promise<void> {
    let all = true
    for (const wanted of storeConfigs(stores, settings, now())) all = (await ensure(wanted)) && all
    if (!all || made || stopped) return
    made = true
    onMade()
  }

  function check(): Promise<void> {
    if (!nats.connected) return Promise.resolve()
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }

  void check()
  const timer = setInterval(() => void check(), EVERY_MS)
  return {
    check,
    stop() {
      stopped = true
      clearInterval(timer)
    },
  }
}
