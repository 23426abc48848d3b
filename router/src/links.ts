// The router's three connections to NATS: leases and control; followers, answers and events; direct gets. Direct gets run in the
// server's read loop of the connection that asks, so nothing may stand behind them.
import { type Logger, redactUrl } from '@sluice/service/log'
import { connectLink, type NatsOptions } from '@sluice/service/nats/connect-link'
import type { Link } from '@sluice/service/nats/link'
import type { Throttle } from '@sluice/service/throttle'
import type { Counters } from './metrics/counters.ts'

/** The connections, by what they carry. */
export interface Links {
  readonly control: Link
  readonly data: Link
  readonly reads: Link
}

/** See {@link connectLinks}. */
export interface LinksOptions {
  readonly nats: NatsOptions
  readonly name: string
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  readonly random: () => number
  /** A connection is back: copies may have been lost. */
  readonly onBack: () => void
  /** A connection is gone for good: the process must end. */
  readonly onGone: () => void
}

/** Entries and answers are at most 960 KiB, but a small server still serves small clusters. */
const NEED = { bytes: 65_536, because: 'answers to services' }
const LAME_DUCK_LEAVE_MS = 5000

/**
 * Connects all three, waiting for NATS as long as it takes.
 *
 * @returns null if the signal came before NATS did
 * @throws NatsRefused
 */
export async function connectLinks(options: LinksOptions, signal: AbortSignal): Promise<Links | null> {
  const { nats, name, random } = options
  const open = (link: string): Promise<Link | null> =>
    connectLink({ ...nats, name: `sluice-router ${name} ${link}`, need: NEED, random }, events(link, options), signal)
  const [control, data, reads] = await Promise.all([open('control'), open('data'), open('reads')])
  return control === null || data === null || reads === null ? null : { control, data, reads }
}

function events(link: string, { nats, log, counters, throttle, random, onBack, onGone }: LinksOptions) {
  return {
    onRetry: (error: Error, attempt: number) => {
      if (throttle('retry') !== null)
        log.warn({ link, servers: nats.url.map(redactUrl), attempt, reason: error.message }, 'waiting for NATS')
    },
    onUp: (server: string) => {
      counters.natsReconnects++
      log.info({ link, server: redactUrl(server) }, 'NATS is back')
      onBack()
    },
    onDown: (server: string) => log.warn({ link, server: redactUrl(server) }, 'NATS is away'),
    onAuthorizationError: (error: Error) => {
      counters.natsErrors++
      if (throttle('authorization') !== null) log.error({ link, reason: error.message }, 'NATS refuses the credentials')
    },
    onError: (error: Error) => {
      counters.natsErrors++
      if (throttle(`error ${error.name}`) !== null)
        log.error({ link, reason: error.message }, 'error on the connection to NATS')
    },
    onCallbackError: (err: unknown, subject: string) => {
      counters.natsErrors++
      if (throttle('callback') !== null) log.error({ err, subject }, 'fault while handling a message')
    },
    onLameDuck: (leave: () => void) => {
      log.warn({ link }, 'the NATS server is stopping; leaving it')
      setTimeout(leave, random() * LAME_DUCK_LEAVE_MS).unref()
    },
    onClosed: (reason: Error | undefined) => {
      log.fatal({ link, reason: reason?.message }, 'the connection to NATS is closed for good')
      onGone()
    },
  }
}
