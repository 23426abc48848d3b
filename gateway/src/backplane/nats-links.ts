// All connections to NATS of this gateway: that of rooms at the start, those beside it when presence or history first wants them. Names
// them after the process, and logs and counts what happens on each in the same way. What follows from that is for the caller to do.
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { GatewayConfig } from '../config/config-schema.ts'
import type { Counters } from '../metrics/counters.ts'
import { type Backplane, connectBackplane } from './backplane.ts'
import { backplaneEvents } from './backplane-log.ts'
import { connectSideLinks, type LinkName, type SideLinks } from './side-links.ts'

/** See {@link createNatsLinks}. */
export interface NatsLinksOptions {
  readonly config: GatewayConfig
  /** Whether entries of presence are written on the connection of rooms. */
  readonly presence: boolean
  /** Ends the waiting for NATS. */
  readonly signal: AbortSignal
  /** NATS refuses the credentials of a connection, or has taken them again. */
  readonly setUnauthorized: (link: LinkName, unauthorized: boolean) => void
  /** A connection is back. */
  readonly onBack: (link: LinkName) => void
  /** NATS is gone for good. */
  readonly onGone: () => void
  /** A number in [0, 1): jitter of reconnects. */
  readonly random: () => number
  readonly nowMs: () => number
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** Each resolves to null if the signal came before NATS did, and rejects with NatsRefused. */
export interface NatsLinks {
  /** Connects for rooms. Called once. */
  connectData(): Promise<Backplane | null>
  /** The connections beside it, which the first call opens. */
  side(): Promise<SideLinks | null>
}

/** Connects nothing yet. */
export function createNatsLinks(options: NatsLinksOptions): NatsLinks {
  const { config, signal, presence, random, nowMs } = options
  const name = `sluice-gateway ${config.name}`
  let side: Promise<SideLinks | null> | null = null

  const eventsOf = (link: LinkName) =>
    backplaneEvents({
      ...options,
      link,
      url: config.nats.url,
      setUnauthorized: (unauthorized) => options.setUnauthorized(link, unauthorized),
      onBack: () => options.onBack(link),
    })

  return {
    connectData: () =>
      connectBackplane(
        {
          ...config.nats,
          name,
          payloadBytesMax: config.limits.payloadBytesMax,
          frameBytesMax: config.limits.frameBytesMax,
          presence,
          random,
          nowMs,
        },
        eventsOf('data'),
        signal,
      ),
    side() {
      side ??= connectSideLinks({ ...config.nats, random }, name, eventsOf, signal)
      return side
    },
  }
}
