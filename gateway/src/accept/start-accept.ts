// Opens the public port: the rules of the configuration, the sockets, and what is answered to plain requests, in local mode with tokens
// for the page.
import type { Server } from 'node:http'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { GatewayConfig } from '../config/config-schema.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Connections } from '../session/connections.ts'
import type { Session } from '../session/session.ts'

import { type AcceptOptions, createAccept } from './accept.ts'
import type { AddressRates } from './address-rate.ts'
import { signLocalToken } from './authenticate/local-token.ts'
import type { AcceptState } from './decide.ts'
import { createHttpHandler, type HttpHandler } from './http-handler.ts'
import { listen } from './listen.ts'
import { createLocalSite, LOCAL_BUNDLE, LOCAL_PAGE } from './local-site.ts'
import { readPublicTls } from './public-tls.ts'
import { createSockets } from './sockets.ts'

/** See {@link startAccept}. */
export interface StartAcceptOptions {
  readonly config: GatewayConfig
  readonly session: Session
  readonly connections: Connections
  readonly connect: AcceptOptions['connect']
  readonly rates: AddressRates
  readonly draining: () => boolean
  readonly shortage: () => AcceptState['shortage']
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
}

/** The open port. */
export interface RunningAccept {
  readonly port: number
  readonly server: Server
}

/** A tab may stay open for a day. */
const LOCAL_TOKEN_SECONDS = 86_400

/** @throws ListenError */
export async function startAccept(options: StartAcceptOptions): Promise<RunningAccept> {
  const { config, session, connections, connect, rates, draining, clock, counters } = options
  const server = createAccept({
    rules: {
      ...config.accept,
      path: config.listen.path,
      anonymous: config.auth.anonymous,
      local: config.local,
      compression: config.compression.enabled,
    },
    trustedProxies: config.accept.trustedProxies,
    rates: config.local ? null : rates,
    sockets: createSockets({ session, frameBytesMax: config.limits.frameBytesMax, counters }),
    session,
    state: () => ({
      draining: draining(),
      shortage: options.shortage(),
      connections: connections.total,
      unauthenticated: connections.unauthenticated,
    }),
    connect,
    http: publicSite(config, clock),
    tls: readPublicTls(config.listen.tls, { log: options.log }),
    nowMs: clock.monotonicMs,
    counters,
  })
  return { port: await listen(server, config.listen), server }
}

function publicSite(config: GatewayConfig, clock: Clock): HttpHandler {
  const next = createHttpHandler(config.listen.path)
  if (!config.local) return next
  const { secret, userClaim, grantsClaim } = config.auth
  const sign = (user: string): Promise<string> =>
    signLocalToken(secret ?? '', { user, now: clock.now(), ttlSeconds: LOCAL_TOKEN_SECONDS, userClaim, grantsClaim })
  return createLocalSite({ folders: [LOCAL_PAGE, LOCAL_BUNDLE], sign: secret === undefined ? null : sign, next })
}
