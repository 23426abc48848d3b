// `publish` and `send`: a payload that may go out becomes a NATS message with headers that the gateway alone writes, and is
// answered when NATS has taken it. Steps 2 and 3 of the message path.
import {
  type ClientFrameOf,
  CONTENT_TYPE_BYTES,
  encodeToken,
  HEADER_CONTENT_TYPE,
  HEADER_EVENT,
  HEADER_EXCLUDE_SESSION,
  HEADER_FROM,
  HEADER_KEY,
  HEADER_SESSION,
  type NamespaceSettings,
  type Namespaces,
  type Payload,
  type Room,
  type Subjects,
} from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { Backplane } from '../backplane/backplane.ts'
import type { Topics } from '../fanout/topics.ts'
import type { History } from '../history/history.ts'
import type { HistoryTarget } from '../history/logs.ts'
import type { KeyScope } from '../history/message-id.ts'
import type { Rights } from '../rights/rights.ts'
import { beginOutgoing, type TraceOptions } from '../trace/outgoing-trace.ts'
import type { Span, SpanTarget } from '../trace/tracing.ts'
import { type Answer, ok, type Refusal, refusal, unavailable } from './answer.ts'
import { namespaceOf, roomRefusal, sendRefusal, sessionRefusal } from './authorise.ts'
import type { Connection } from './connection.ts'
import type { Started } from './lanes.ts'
import { store } from './store.ts'
import { isRefusal, recipientOf } from './targets.ts'

/** What publishing needs beside the frame. */
export interface PublishOptions {
  readonly backplane: Pick<Backplane, 'publish' | 'takeDenial' | 'confirm'>
  readonly subjects: Subjects
  readonly namespaces: () => Namespaces
  readonly nameBytesMax: number
  readonly payloadBytesMax: number
  readonly topics: Pick<Topics, 'find'>
  readonly rights: Pick<Rights, 'publish' | 'withinBounds'>
  /** Null until it has begun. */
  readonly history: () => History | null
  /** Whether the connection is a member of the room. */
  readonly isJoined: (connection: Connection, subject: string) => boolean
  readonly trace: TraceOptions
  readonly counters: { readonly publishes: { add(label: string): void } }
}

/** A connection that has signed in. */
export type SignedIn = Connection & { readonly principal: Principal }

interface Body {
  readonly payload?: Payload
}

/** Handles `publish` into a room whose name was parsed. */
export function publish(
  connection: SignedIn,
  frame: ClientFrameOf<'publish'> & Body,
  room: Room,
  options: PublishOptions,
): Started<Answer> {
  const settings = namespaceOf(options.namespaces(), room)
  if (isRefusal(settings)) return settings
  const right = roomRefusal('publish', settings, room, connection.principal)
  if (isRefusal(right)) return right
  const subject = options.subjects.room(room)
  if (settings.publish.joined && !options.isJoined(connection, subject))
    return refusal('not_joined', `publish: join ${room.name} first`)
  const { payloadBytesMax } = settings.limits
  if (payloadBytesMax !== undefined && (frame.payload?.bytes.length ?? 0) > payloadBytesMax) {
    return refusal('too_large', `data: at most ${payloadBytesMax} bytes in this namespace`)
  }
  const { payload } = frame
  if (right === null || payload === undefined) {
    const over = options.rights.withinBounds(connection, room.name, payload?.bytes.length ?? 0)
    return over ?? put(connection, frame, room, settings, options)
  }
  // The frame is gone by the time that the service has answered, and a member may be one no longer.
  const kept = { ...payload, bytes: new Uint8Array(payload.bytes) }
  const proceed = (): Started<Answer> =>
    settings.publish.joined && !options.isJoined(connection, subject)
      ? refusal('not_joined', `publish: join ${room.name} first`)
      : put(connection, { ...frame, payload: kept }, room, settings, options)
  return options.rights.publish(connection, room, { payload: kept, event: frame.event, proceed })
}

/** Into the room, by whoever may. */
function put(
  connection: SignedIn,
  frame: ClientFrameOf<'publish'> & Body,
  room: Room,
  settings: NamespaceSettings,
  options: PublishOptions,
): Started<Answer> {
  const subject = options.subjects.room(room)
  const echo = frame.echo ?? settings.echo
  const about = { target: 'room', namespace: room.namespace } as const
  const scope = { kind: 'room', target: room.name, sender: connection.principal.user } as const
  if (settings.history && frame.ephemeral !== true) {
    const target = options.history()?.targets.room(room) ?? null
    return keep({ about, target, scope, subject, echo }, connection, frame, options)
  }
  return write(about, subject, connection, frame, echo, options)
}

/** Handles `send` to a user or a connection. */
export function send(
  connection: SignedIn,
  frame: ClientFrameOf<'send'> & Body,
  options: PublishOptions,
): Started<Answer> {
  const to = recipientOf(frame, options.nameBytesMax)
  if (isRefusal(to)) return to
  const { principal } = connection
  const toUser = 'user' in to
  const refused = toUser ? sendRefusal(to.user, principal) : sessionRefusal(to.session, connection.session, principal)
  if (refused !== null) return refused
  const subject = toUser ? options.subjects.user(to.user) : options.subjects.session(to.gateway, to.number)
  const target = toUser && frame.ephemeral !== true ? (options.history()?.targets.user(to.user) ?? null) : null
  if (!toUser || target === null)
    return write({ target: toUser ? 'user' : 'session' }, subject, connection, frame, true, options)
  const scope = { kind: 'user', target: to.user, sender: principal.user } as const
  return keep({ about: { target: 'user' }, target, scope, subject, echo: true }, connection, frame, options)
}

interface Keep {
  readonly about: SpanTarget
  readonly target: HistoryTarget | null
  readonly scope: KeyScope
  readonly subject: string
  readonly echo: boolean
}

function keep(
  { about, target, scope, subject, echo }: Keep,
  connection: SignedIn,
  frame: PublishFrame,
  options: PublishOptions,
): Started<Answer> {
  const history = options.history()
  if (history === null || target === null) return unavailable('history is away')
  const message = messageOf(connection, frame, echo, options)
  if (isRefusal(message)) return message
  options.counters.publishes.add(`stored_${about.target}`)
  const topic = options.topics.find(subject)
  // Without an id there is no `ok` to take the place of the message.
  const unheard = !echo && frame.id !== undefined && options.isJoined(connection, subject)
  // A payload from a frame is a view of it, and a retry would send what has been overwritten.
  const payload = new Uint8Array(message.payload)
  const span = beginPublish(about, true, frame, message.headers, options)
  return store({ ...message, connection, target, scope, key: frame.key, payload, topic, unheard, span }, history)
}

type PublishFrame = Pick<ClientFrameOf<'publish'>, 'id'> & {
  readonly event?: string | undefined
  readonly key?: string | undefined
  readonly traceparent?: string | undefined
} & Body

/** A payload that may go out, with the headers that the gateway alone writes. */
function messageOf(
  connection: SignedIn,
  frame: PublishFrame,
  echo: boolean,
  options: PublishOptions,
): { readonly payload: Uint8Array; readonly headers: [string, string][] } | Refusal {
  if (frame.payload === undefined) return refusal('bad_request', 'data: data or bytes is needed')
  // JSON made of msgpack can outgrow its frame, and every gateway drops what is over this limit.
  if (frame.payload.bytes.length > options.payloadBytesMax)
    return refusal('too_large', `data: at most ${options.payloadBytesMax} bytes`)
  const session = encodeToken(connection.session)
  const headers: [string, string][] = [
    [HEADER_FROM, encodeToken(connection.principal.user)],
    [HEADER_SESSION, session],
  ]
  if (frame.event !== undefined) headers.push([HEADER_EVENT, frame.event])
  if (frame.key !== undefined) headers.push([HEADER_KEY, frame.key])
  if (frame.payload.kind === 'bytes') headers.push([HEADER_CONTENT_TYPE, CONTENT_TYPE_BYTES])
  if (!echo) headers.push([HEADER_EXCLUDE_SESSION, session])
  return { payload: frame.payload.bytes, headers }
}

function beginPublish(
  about: SpanTarget,
  stored: boolean,
  { traceparent }: PublishFrame,
  headers: [string, string][],
  { trace }: PublishOptions,
): Span | null {
  return beginOutgoing(trace, () => ({ kind: 'publish', ...about, stored }), traceparent, headers)
}

function write(
  about: SpanTarget,
  subject: string,
  connection: SignedIn,
  frame: PublishFrame,
  echo: boolean,
  options: PublishOptions,
): Answer | Promise<Answer> {
  const message = messageOf(connection, frame, echo, options)
  if (isRefusal(message)) return message
  const span = beginPublish(about, false, frame, message.headers, options)
  const told = (answer: Answer): Answer => {
    span?.end(answer.ok ? null : answer.code)
    return answer
  }
  if (!options.backplane.publish(subject, message.payload, message.headers)) return told(unavailable())
  options.counters.publishes.add(about.target)
  return options.backplane.confirm().then((taken) => {
    if (!taken) return told(unavailable())
    return told(options.backplane.takeDenial(subject) ? refusal('forbidden', 'NATS does not permit it') : ok())
  })
}
