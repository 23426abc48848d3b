// What services have done to connections: whose request it is, what gateways are told, and the answer. Both owners of a shard act, each
// under the same request id, of which gateways take notice once; so a frozen or dead owner delays nothing.
import {
  type ApiAct,
  type ApiRequestOf,
  decodeApiRequest,
  type GatewayId,
  parseSession,
  type RevocationTarget,
  type SessionId,
  type UserName,
  userShard,
} from '@sluice/proto'
import type { RequestMemory } from '@sluice/service/request-memory'
import { roomOf } from '../api/answers.ts'
import type { ApiFailure, ApiReply } from '../api/api-reply.ts'
import type { Known } from '../api/known.ts'
import { type Asked, type AskOptions, askGateways } from './ask-gateways.ts'
import { type PublishOptions, publish } from './publish.ts'
import { type Identified, originOf, requestId } from './request-id.ts'

/** See {@link actOn}. */
export interface ActOptions extends Omit<AskOptions, 'gateways' | 'nats'>, PublishOptions {
  readonly known: Known
  /** Answers of requests that were done. */
  readonly memory: RequestMemory<Promise<ApiReply>>
  readonly nowMs: () => number
  /** Keeps what was revoked; false where it can't be kept. */
  readonly revoke: (target: RevocationTarget, notBefore: number) => Promise<boolean>
}

/** Of a `move` that does not say over which time. */
const MOVE_WINDOW_MS = 10_000
const REASON = 'disconnected by a service'
const REMOVED = 'removed by a service'
const MOVED = 'moved by a service'

const AWAY: ApiFailure = { code: 'unavailable', message: 'NATS is away' }
const NOT_KEPT: ApiFailure = { code: 'unavailable', message: 'notBefore cannot be kept; nobody was disconnected' }
const NO_GATEWAY: ApiFailure = { code: 'not_found', message: 'there is no such gateway' }
const LATE: ApiFailure = { code: 'timeout', message: 'the gateway has not answered in time' }

/** A request as it was heard. */
export type ActMessage = Identified & { readonly data: Uint8Array }

/** Does what one request asks for; null where others do. Never throws for what was asked. */
export async function actOn(verb: ApiAct, message: ActMessage, options: ActOptions): Promise<ApiReply> {
  switch (verb) {
    case 'publish':
      return once(verb, message, options, (request, id) => publish(request, message.data, id, options))
    case 'disconnect':
      return once(verb, message, options, (request, id) => disconnect(request, id, options))
    case 'join':
      return once(verb, message, options, (request, id) => join(request, id, options))
    case 'leave':
      return once(verb, message, options, (request, id) => leave(request, id, options))
    case 'move':
      return once(verb, message, options, (request, id) => move(request, id, options))
  }
}

/** A request that is asked again is answered as before; one that has come to nothing is tried again. */
async function once<verb extends ApiAct>(
  verb: verb,
  message: ActMessage,
  { memory, nowMs }: ActOptions,
  act: (request: ApiRequestOf<verb>, id: string) => Promise<ApiReply>,
): Promise<ApiReply> {
  const origin = originOf(message)
  if (origin === null) return { code: 'bad_request', message: 'Nats-Msg-Id: it is too long' }
  const parsed = decodeApiRequest(verb, message.data)
  if (!parsed.ok) return { code: 'bad_request', message: parsed.message }
  const id = requestId(verb, origin, namesIn(parsed.request))
  let done = false
  try {
    const reply = await memory.once(id, nowMs(), () => act(parsed.request, id))
    done = reply !== null && 'body' in reply
    return reply
  } finally {
    if (!done) memory.forget(id)
  }
}

/** Whom and what a request is about. */
function namesIn(request: ApiRequestOf<ApiAct>): string[] {
  const names: Readonly<Record<string, unknown>> = request
  return NAMES.flatMap((field) => [field, JSON.stringify(names[field] ?? null)])
}

const NAMES = ['room', 'user', 'session', 'token', 'gateway', 'rooms', 'users']

async function disconnect(request: ApiRequestOf<'disconnect'>, id: string, options: ActOptions): Promise<ApiReply> {
  const { session, notBefore, reason = REASON } = request
  if (!isOurs(request, options)) return null
  const target = targetOf(request)
  if (notBefore !== undefined && !(await options.revoke(revokedBy(request), notBefore))) return NOT_KEPT
  const asked = await askGateways(
    { verb: 'disconnect', id, ...target, ...(notBefore === undefined ? {} : { notBefore }), reason },
    gatewayOf(session),
    { ...options, gateways: options.known.gateways },
  )
  if (asked === null) return AWAY
  return { body: { connections: asked.connections, gateways: asked.gateways, ...silentOf(asked) } }
}

async function join(request: ApiRequestOf<'join'>, id: string, options: ActOptions): Promise<ApiReply> {
  if (!isOurs(request, options)) return null
  const room = roomOf(request.room).name
  const asked = await askGateways({ verb: 'join', id, ...targetOf(request), room }, gatewayOf(request.session), {
    ...options,
    gateways: options.known.gateways,
  })
  return asked === null ? AWAY : { body: { connections: asked.connections, ...silentOf(asked) } }
}

async function leave(request: ApiRequestOf<'leave'>, id: string, options: ActOptions): Promise<ApiReply> {
  if (!isOurs(request, options)) return null
  const { reason = REMOVED } = request
  const room = roomOf(request.room).name
  const asked = await askGateways(
    { verb: 'leave', id, ...targetOf(request), room, reason },
    gatewayOf(request.session),
    { ...options, gateways: options.known.gateways },
  )
  return asked === null ? AWAY : { body: { connections: asked.connections, ...silentOf(asked) } }
}

async function move(request: ApiRequestOf<'move'>, id: string, options: ActOptions): Promise<ApiReply> {
  const { gateway, connections, windowMs = MOVE_WINDOW_MS, reason = MOVED } = request
  if (!options.known.holds('user', shardOfText(gateway))) return null
  const asked = await askGateways(
    { verb: 'move', id, ...(connections === undefined ? {} : { connections }), windowMs, reason },
    gateway,
    { ...options, gateways: options.known.gateways },
  )
  if (asked === null) return AWAY
  if (asked.nobody) return NO_GATEWAY
  return asked.silent > 0 ? LATE : { body: { connections: asked.connections } }
}

function revokedBy({ user, token }: Target): RevocationTarget {
  return user === undefined ? { kind: 'token', name: token ?? '' } : { kind: 'user', name: user }
}

interface Target {
  readonly user?: UserName | undefined
  readonly session?: SessionId | undefined
  readonly token?: string | undefined
}

/** The owners of a user's shard act; what belongs to no user is shared out by the same hashing. */
function isOurs({ user, session, token }: Target, { known }: ActOptions): boolean {
  return known.holds('user', shardOfText(user ?? session ?? token ?? ''))
}

function shardOfText(text: string): number {
  return userShard(text as UserName)
}

function targetOf({ user, session, token }: Target) {
  return {
    ...(user === undefined ? {} : { user }),
    ...(session === undefined ? {} : { session }),
    ...(token === undefined ? {} : { token }),
  }
}

/** A session names its gateway, so nobody else needs to be asked. */
function gatewayOf(session: SessionId | undefined): GatewayId | null {
  return session === undefined ? null : (parseSession(session)?.gateway ?? null)
}

function silentOf({ silent }: Asked): { silent?: number } {
  return silent === 0 ? {} : { silent }
}
