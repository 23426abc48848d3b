// The composition root: the admin port first, then NATS, then the stores, then the core. Read this first, then presence.ts. It
// decides nothing itself; each part's own file says what it does.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { createPresenceStores } from '@sluice/proto'
import type { AdminServer } from '@sluice/service/admin/admin-server'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import { startMinuteLine } from '@sluice/service/metrics/minute-line'
import type { Running } from '@sluice/service/process'
import { createThrottle, type Throttle } from '@sluice/service/throttle'
import type { RouterConfig } from './config/router-config.ts'
import { keepHistory } from './history/keep-history.ts'
import { connectLinks, type Links } from './links.ts'
import { BUILD } from './metrics/build.ts'
import type { Counters } from './metrics/counters.ts'
import { startPresence } from './presence.ts'
import { createStatus, type Status, startAdmin } from './status.ts'
import { keepStores } from './store/keep-stores.ts'

/** What a router is started with. */
export interface RouterOptions {
  readonly config: RouterConfig
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  /** Ends the waiting for NATS. */
  readonly signal: AbortSignal
  /** NATS is gone for good: the process must end. */
  readonly onGone: () => void
}

/** One line in this time for each kind of fault. */
const LOG_EVERY_MS = 60_000

/**
 * Starts a router.
 *
 * @returns null if the signal came before NATS did
 * @throws ListenError for a taken port; NatsRefused for what an operator must mend
 */
export async function startRouter(options: RouterOptions): Promise<Running<RouterConfig> | null> {
  const throttle = createThrottle(LOG_EVERY_MS, options.clock.monotonicMs)
  const status = createStatus()
  const admin = await startAdmin(options, status)
  try {
    const links = await connect(options, status, throttle)
    if (links !== null) return run(options, { status, admin, links, throttle })
    await admin.close()
    return null
  } catch (error) {
    await admin.close()
    throw error
  }
}

interface Parts {
  readonly status: Status
  readonly admin: AdminServer
  readonly links: Links
  readonly throttle: Throttle
}

function run(options: RouterOptions, { status, admin, links, throttle }: Parts): Running<RouterConfig> {
  const { config, clock, log, counters } = options
  status.links = links
  const id = newId()
  let instances = 0
  let settings = config
  const stores = keepStores({
    nats: links.control,
    stores: createPresenceStores(config.nats.prefix),
    settings: config.router,
    now: clock.now,
    log,
    throttle,
    counters,
    onMade: () => {
      status.presence = startPresence({
        ...options,
        settings: () => settings,
        links,
        throttle,
        id,
        newInstance: () => `${id}-${++instances}`,
      })
    },
  })
  const history = keepHistory({
    ...options,
    nats: links.control,
    throttle,
    newGeneration: newId,
    random: Math.random,
    pause,
  })
  status.history = history
  const minuteLine = startMinuteLine({
    log,
    gauges: () => ({ roomShards: status.presence?.shards.owned('room') ?? 0 }),
    counts: () => ({ entries: counters.entries, events: counters.events.get('published') }),
  })
  log.info({ router: id, adminPort: admin.port, ...BUILD }, 'connected to NATS')
  return {
    apply(changed) {
      settings = changed
      log.level = changed.log.level
      history.apply(changed)
    },
    async drain() {
      status.draining = true
      log.info({}, 'draining')
      stores.stop()
      history.stop()
      minuteLine.stop()
      await status.presence?.drain()
      await Promise.all([links.control.drain(), links.data.drain(), links.reads.drain()])
      await admin.close()
      log.info({}, 'drained')
    },
  }
}

/** Never used again, and no secret. */
function newId(): string {
  return randomBytes(9).toString('base64url')
}

function connect(options: RouterOptions, status: Status, throttle: Throttle): Promise<Links | null> {
  const { config, clock, log, counters, signal, onGone } = options
  return connectLinks(
    {
      nats: config.nats,
      name: config.router.name,
      log,
      counters,
      throttle,
      random: Math.random,
      setUnauthorized: (link, unauthorized) => {
        if (unauthorized) status.unauthorized.add(link)
        else status.unauthorized.delete(link)
      },
      onAway: (link) => {
        if (!status.away.has(link)) status.away.set(link, clock.monotonicMs())
        status.presence?.away(link)
      },
      onBack: (link) => {
        status.away.delete(link)
        status.presence?.back()
        // A server that comes back may have lost the end of its streams.
        void status.history?.check()
      },
      onGone,
    },
    signal,
  )
}
