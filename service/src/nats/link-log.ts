// What a process logs and counts of one of its connections to NATS: once for a transition, never a payload or an address with
// credentials in it.
import { type Logger, redactUrl } from '../log.ts'
import type { Throttle } from '../throttle.ts'
import type { ConnectEvents } from './connect-link.ts'

/** See {@link linkEvents}. */
export interface LinkLogOptions {
  /** Which of our connections. */
  readonly link: string
  readonly log: Logger
  readonly counters: { natsReconnects: number; natsErrors: number; natsAuthorizationErrors: number }
  readonly throttle: Throttle
  readonly url: readonly string[]
  /** The server has refused the credentials; true until the link is up again. */
  readonly setUnauthorized: (unauthorized: boolean) => void
  /** The link is usable again after a break. */
  readonly onBack: () => void
  /** The link is gone for good: the process must end. */
  readonly onGone: () => void
  /** A number in [0, 1): jitter. */
  readonly random: () => number
}

/** A server that stops gracefully evicts its clients some ten seconds after saying so; processes leave within this time. */
const LAME_DUCK_LEAVE_MS = 5000

/** Makes the listeners of a link. */
export function linkEvents(options: LinkLogOptions): ConnectEvents {
  const { link, log, counters, throttle, setUnauthorized, onBack, onGone, random } = options
  return {
    onRetry: (error, attempt) => {
      if (throttle('retry') !== null)
        log.warn({ link, servers: options.url.map(redactUrl), attempt, reason: error.message }, 'waiting for NATS')
    },
    onUp: (server) => {
      counters.natsReconnects++
      setUnauthorized(false)
      log.info({ link, server: redactUrl(server) }, 'NATS is back')
      onBack()
    },
    onSilent: (server) =>
      log.warn({ link, server: redactUrl(server) }, 'the NATS server says nothing any more; leaving it'),
    onDown: (server) => log.warn({ link, server: redactUrl(server) }, 'NATS is away'),
    onAuthorizationError: (error) => {
      counters.natsAuthorizationErrors++
      setUnauthorized(true)
      if (throttle('authorization') !== null) log.error({ link, reason: error.message }, 'NATS refuses the credentials')
    },
    onError: (error) => {
      counters.natsErrors++
      if (throttle(`error ${error.name}`) !== null)
        log.error({ link, reason: error.message }, 'error on the connection to NATS')
    },
    onCallbackError: (error, subject) => {
      counters.natsErrors++
      if (throttle('callback') !== null) log.error({ err: error, subject }, 'fault while delivering a message')
    },
    onLameDuck: (leave) => {
      log.warn({ link }, 'the NATS server is stopping; leaving it')
      setTimeout(leave, random() * LAME_DUCK_LEAVE_MS).unref()
    },
    onClosed: (reason) => {
      log.fatal({ link, reason: reason?.message }, 'the connection to NATS is closed for good')
      onGone()
    },
  }
}
