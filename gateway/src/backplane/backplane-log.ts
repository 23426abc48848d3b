// What the gateway logs and counts of its connection to NATS: once for a transition, never a payload or an address with
// credentials in it.
import { type Logger, redactUrl } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Counters } from '../metrics/counters.ts'
import type { BackplaneEvents } from './backplane.ts'

/** See {@link backplaneEvents}. */
export interface BackplaneLogOptions {
  readonly log: Logger
  readonly counters: Counters
  readonly throttle: Throttle
  readonly url: readonly string[]
  /** The server has refused the credentials; true until the link is up again. */
  readonly setUnauthorized: (unauthorized: boolean) => void
  /** The link is gone for good: the process must end. */
  readonly onGone: () => void
  /** A number in [0, 1): jitter. */
  readonly random: () => number
}

/** A server that stops gracefully evicts its clients some ten seconds after saying so; gateways leave within this time. */
const LAME_DUCK_LEAVE_MS = 5000

/** Makes the listeners of a link. */
export function backplaneEvents(options: BackplaneLogOptions): BackplaneEvents {
  const { log, counters, throttle, setUnauthorized, onGone, random } = options
  return {
    onRetry: (error, attempt) => {
      if (throttle('retry') !== null)
        log.warn({ servers: options.url.map(redactUrl), attempt, reason: error.message }, 'waiting for NATS')
    },
    onUp: (server) => {
      counters.natsReconnects++
      setUnauthorized(false)
      log.info({ server: redactUrl(server) }, 'NATS is back')
    },
    onDown: (server) => log.warn({ server: redactUrl(server) }, 'NATS is away'),
    onAuthorizationError: (error) => {
      counters.natsAuthorizationErrors++
      setUnauthorized(true)
      if (throttle('authorization') !== null) log.error({ reason: error.message }, 'NATS refuses the credentials')
    },
    onError: (error) => {
      counters.natsErrors++
      if (throttle(`error ${error.name}`) !== null)
        log.error({ reason: error.message }, 'error on the connection to NATS')
    },
    onCallbackError: (error, subject) => {
      counters.natsErrors++
      if (throttle('callback') !== null) log.error({ err: error, subject }, 'fault while delivering a message')
    },
    onLameDuck: (leave) => {
      log.warn({}, 'the NATS server is stopping; leaving it')
      setTimeout(leave, random() * LAME_DUCK_LEAVE_MS).unref()
    },
    onClosed: (reason) => {
      log.fatal({ reason: reason?.message }, 'the connection to NATS is closed for good')
      onGone()
    },
    onDropped: (reason, subject) => {
      counters.payloadsDropped.add(reason)
      const allowed = throttle(`dropped ${reason}`)
      if (allowed !== null)
        log.warn({ reason, subject, heldBack: allowed.held }, 'a message from NATS was not delivered')
    },
  }
}
