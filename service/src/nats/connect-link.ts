// Opens a link to NATS under the client rules: how often to try, how to spread reconnects, when a silent server counts as gone. A
// process that has several kinds of traffic opens several.
import { errors, type TlsOptions } from '@nats-io/transport-node'
import { authenticators, type CredentialOptions } from './credentials.ts'
import { firstConnect, NatsRefused } from './first-connect.ts'
import { leaveSilentServers } from './leave-silent.ts'
import { createLink, type Link, type LinkEvents } from './link.ts'
import { createServerChoice } from './server-choice.ts'
import type { PayloadNeed } from './server-requirements.ts'

/** How to reach NATS: the section `nats` of the configuration fits. */
export interface NatsOptions extends CredentialOptions {
  /** `nats://` or `tls://` addresses, without credentials in them. */
  readonly url: readonly string[]
  readonly tls: {
    readonly caFile?: string | undefined
    readonly certFile?: string | undefined
    readonly keyFile?: string | undefined
  }
}

/** See {@link connectLink}. */
export interface ConnectOptions extends NatsOptions {
  /** Names the connection in the server's monitoring. */
  readonly name: string
  readonly need: PayloadNeed
  /** A number in [0, 1): jitter of reconnects. */
  readonly random: () => number
}

/** Told of what happens on NATS, from the first attempt on. */
export interface ConnectEvents extends LinkEvents {
  /** Told of each attempt of the first connect that will be repeated. */
  readonly onRetry: (error: Error, attempt: number) => void
  /** The server says nothing any more; the link is about to leave it. */
  readonly onSilent: (server: string) => void
}

/** A pong may take this long: NATS answers in microseconds, so a silent second is a broken link, but leader elections stall it. */
const CONFIRM_WAIT_MS = 5000
const DRAIN_WAIT_MS = 3000
const RETRY_MS = 1000
/** A server that accepts and stays silent; the library would wait 20 s before anyone is told. */
const CONNECT_WAIT_MS = 5000
/** The library's own pings, whose end waits for what cannot be written: leave-silent.ts comes before them. */
const PING_INTERVAL_MS = 10_000
/** Reconnects are spread over this range, so that a restarted server is not stormed by all its clients at once. */
const RECONNECT_MS = { min: 100, max: 2000 }

/**
 * Connects, waiting for NATS as long as it takes.
 *
 * @returns null if the signal came before NATS did
 * @throws NatsRefused, also for a credentials file that can't be read or holds none
 */
export async function connectLink(
  options: ConnectOptions,
  events: ConnectEvents,
  signal: AbortSignal,
): Promise<Link | null> {
  const tls = tlsOptions(options)
  const choice = createServerChoice(options.random)
  const connection = await firstConnect({
    connection: {
      servers: [...options.url],
      name: options.name,
      authenticator: credentialsOf(options),
      ...tls,
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      pingInterval: PING_INTERVAL_MS,
      timeout: CONNECT_WAIT_MS,
      reconnectDelayHandler: () => RECONNECT_MS.min + options.random() * (RECONNECT_MS.max - RECONNECT_MS.min),
      reconnectToServer: choice.pick,
      noAsyncTraces: true,
    },
    need: options.need,
    retryMs: RETRY_MS,
    signal,
    onRetry: (error, attempt) => events.onRetry('tls' in tls ? explained(error) : error, attempt),
  })
  if (connection === null) return null
  leaveSilentServers(connection, { choice, onSilent: events.onSilent })
  return createLink(connection, events, { confirmWaitMs: CONFIRM_WAIT_MS, drainWaitMs: DRAIN_WAIT_MS })
}

/**
 * With TLS 1.3 a client is done before the server has judged its certificate, and the library loses what the server says then: all that is left
 * is silence.
 */
function explained(error: Error): Error {
  if (!(error instanceof errors.TimeoutError)) return error
  const hint = 'NATS may ask for a certificate of ours, or refuse the one of nats.tls.certFile; its own log says which'
  return new Error(`${error.message} after the beginning of TLS: ${hint}`, { cause: error })
}

function credentialsOf(options: ConnectOptions): ReturnType<typeof authenticators> {
  try {
    return authenticators(options)
  } catch (error) {
    throw new NatsRefused(`the credentials for NATS cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** The client drops the scheme of an address, so `tls://` must ask for TLS by option, or a server without it would do. */
function tlsOptions({ tls, url }: NatsOptions): { tls?: TlsOptions } {
  const set = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
  const asked = Object.keys(set).length > 0 || url.some((address) => address.startsWith('tls://'))
  return asked ? { tls: set } : {}
}
