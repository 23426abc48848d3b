// Signing in: a token, or anonymity where that is allowed, becomes a user with a topic, a welcome and an end. Also the refresh
// of a connection that has signed in before. Step 1 of the message path ends here.
import {
  anonymousUser,
  FEATURES,
  type GatewayId,
  type Grants,
  type Limits,
  PROTOCOL_VERSION,
  type Subjects,
  type UserName,
} from '@sluice/proto'
import type { Authenticator, AuthRefusal, Principal } from '../accept/authenticate/principal.ts'
import type { Backplane } from '../backplane/backplane.ts'
import type { Topics } from '../fanout/topics.ts'
import { type Answer, ok, type Refusal, refusal } from './answer.ts'
import type { Connection } from './connection.ts'
import { isLive } from './connection-state.ts'
import type { Connections } from './connections.ts'
import { leaveUnread } from './leave-unread.ts'
import { closeRefused } from './refused-connection.ts'
import { type AskedRevocations, unlessRevoked } from './revoked.ts'
import type { Wire } from './wire.ts'

/** See {@link createSignIn}. */
export interface SignInOptions {
  readonly authenticator: Authenticator
  readonly topics: Topics
  /** Whether messages to the user are kept. */
  readonly keepsInbox: (user: UserName) => boolean
  readonly backplane: Pick<Backplane, 'connected'>
  readonly subjects: Subjects
  readonly connections: Connections
  readonly wire: Wire
  readonly gateway: GatewayId
  /** Which tokens are not let in any more; null where nobody can revoke any. */
  readonly revocations: () => AskedRevocations | null
  readonly limits: Limits
  /** Grants of everyone, which are all that anonymous users have. */
  readonly everyone: Grants
  /** Asks a service whether a user may connect; null where that is not for a service to say. */
  readonly authorise: ((connection: Connection, principal: Principal) => Promise<Refusal | null>) | null
  /** Whether a connection of the user was closed for its rate a moment ago. */
  readonly mustWait: (user: UserName) => boolean
  readonly userConnectionsMax: number
  readonly userConnectionsClose: 'oldest' | 'newest'
  readonly now: () => number
  readonly counters: { readonly signInFailures: { add(label: string): void } }
  /** A token was refused; keys that could not be reached are not the peer's failure. */
  readonly onFailure: (connection: Connection, refused: AuthRefusal) => void
  /** The connection is open: from here on it has a heartbeat and, maybe, an end. */
  readonly onOpen: (connection: Connection) => void
  /** A refresh moved the end. */
  readonly onRefreshed: (connection: Connection) => void
}

/** Signs connections in. */
export interface SignIn {
  /** With the token that came with the upgrade. */
  withToken(connection: Connection, token: string): Promise<void>
  anonymously(connection: Connection): Promise<void>
  /** The frame `auth`: the first sign-in of a waiting connection, or a refresh. */
  byFrame(connection: Connection, token: string): Promise<Answer>
}

const REFUSED = {
  unauthorized: { close: 4001, reason: 'unauthorized' },
  expired: { close: 4002, reason: 'token expired' },
  unavailable: { close: 1013, reason: 'keys cannot be reached' },
} as const

/** Makes the signing in of a gateway. */
export function createSignIn(options: SignInOptions): SignIn {
  const { authenticator, topics, subjects, connections, wire, limits } = options

  async function verify(connection: Connection, token: string): Promise<Principal | AuthRefusal | null> {
    const result = await unlessRevoked(authenticator.authenticate(token), options.revocations())
    if (result.kind === 'refused') {
      options.counters.signInFailures.add(result.reason)
      options.onFailure(connection, result)
    }
    if (!isLive(connection.phase)) return null
    return result.kind === 'ok' ? result.principal : result
  }

  /** Opens the connection, or closes it; whether it is open then. */
  async function open(connection: Connection, principal: Principal): Promise<boolean> {
    const { authorise } = options
    if (mustWait(connection, principal, options)) return false
    if (authorise !== null && !isAllowed(connection, await authorise(connection, principal), options)) return false
    connection.principal = principal
    connection.user = principal.user
    // An inbox with history is joined by its user, who says from where.
    const { user } = principal
    const joined =
      options.keepsInbox(user) || (await topics.join(connection, subjects.user(user), { kind: 'user', name: user }))
    if (!isLive(connection.phase)) return false
    if (!joined || !options.backplane.connected) {
      wire.close(connection, 1013, 'NATS is away')
      return false
    }
    connection.phase = 'open'
    connections.signedIn(connection)
    if (!withinUserLimit(connection, principal, options)) return false
    options.onOpen(connection)
    wire.send(connection, {
      type: 'welcome',
      version: PROTOCOL_VERSION,
      session: connection.session,
      user: principal.user,
      gateway: options.gateway,
      time: options.now(),
      ...expiry(principal),
      heartbeatMs: limits.heartbeatMs,
      limits: { ...limits },
      features: [...FEATURES],
    })
    return true
  }

  async function signIn(connection: Connection, token: string): Promise<Principal | null> {
    const verified = await verify(connection, token)
    if (verified === null) return null
    if ('kind' in verified) {
      const { close, reason } = REFUSED[verified.reason]
      wire.close(connection, close, reason)
      return null
    }
    return (await open(connection, verified)) ? verified : null
  }

  async function refresh(connection: Connection, token: string, current: Principal): Promise<Answer> {
    const verified = await verify(connection, token)
    if (verified === null) return refusal('unauthorized', 'closed meanwhile')
    if ('kind' in verified) {
      if (verified.reason === 'unavailable') return refusal('unavailable', 'auth: keys cannot be reached')
      return refusal('unauthorized', verified.reason === 'expired' ? 'auth: token expired' : 'auth: token refused')
    }
    if (verified.user !== current.user) return refusal('unauthorized', 'auth: another user')
    const refused = options.authorise === null ? null : await options.authorise(connection, verified)
    if (refused !== null) return refused
    if (!isLive(connection.phase)) return refusal('unauthorized', 'closed meanwhile')
    connection.principal = verified
    options.onRefreshed(connection)
    return ok(expiry(verified))
  }

  return {
    async withToken(connection, token) {
      await signIn(connection, token)
    },
    async anonymously(connection) {
      const user = anonymousUser(connection.session)
      const anonymous = { claims: null, expiresAt: null, tokenId: null, issuedAt: null }
      await open(connection, { user, grants: options.everyone, ...anonymous })
    },
    async byFrame(connection, token) {
      if (connection.principal !== null) return refresh(connection, token, connection.principal)
      const principal = await signIn(connection, token)
      return principal === null ? refusal('unauthorized', 'closed') : ok(expiry(principal))
    },
  }
}

/** Whether its user has to wait; it is closed then. */
function mustWait(connection: Connection, { user }: Principal, options: SignInOptions): boolean {
  if (!options.mustWait(user)) return false
  options.wire.close(connection, 4029, 'rate limited a moment ago')
  // What it has sent already is not even parsed.
  leaveUnread(connection.peer)
  return true
}

/** Whether it may go on after a service has answered; it is closed otherwise. */
function isAllowed(connection: Connection, refused: Refusal | null, { counters, wire }: SignInOptions): boolean {
  if (!isLive(connection.phase)) return false
  if (refused === null) return true
  counters.signInFailures.add(refused.code)
  closeRefused(wire, connection, refused)
  return false
}

/** Closes connections of the user until there are not too many; whether this one may stay. */
function withinUserLimit(
  connection: Connection,
  principal: Principal,
  { connections, wire, userConnectionsMax, userConnectionsClose }: SignInOptions,
): boolean {
  for (;;) {
    // More than one, where several sign in at once: who is closed before its own turn closes nobody.
    const members = connections.ofUser(principal.user)
    if (members.length <= userConnectionsMax) return true
    const closing = userConnectionsClose === 'newest' ? connection : oldest(members)
    wire.close(closing, 4030, 'too many connections of this user')
    if (closing === connection) return false
  }
}

function expiry(principal: Principal): { expiresAt?: number } {
  return principal.expiresAt === null ? {} : { expiresAt: principal.expiresAt }
}

function oldest(connections: readonly Connection[]): Connection {
  return connections.reduce((found, one) => (one.number < found.number ? one : found))
}
