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
  HEADER_SESSION,
  type Namespaces,
  type Payload,
  type Room,
  type Subjects,
} from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { Backplane } from '../backplane/backplane.ts'
import { type Answer, ok, refusal, unavailable } from './answer.ts'
import { namespaceOf, roomRefusal, sendRefusal, sessionRefusal } from './authorise.ts'
import type { Connection } from './connection.ts'
import { isRefusal, recipientOf } from './targets.ts'

/** What publishing needs beside the frame. */
export interface PublishOptions {
  readonly backplane: Pick<Backplane, 'publish' | 'takeDenial' | 'confirm'>
  readonly subjects: Subjects
  readonly namespaces: () => Namespaces
  readonly nameBytesMax: number
  readonly payloadBytesMax: number
  /** Whether the connection is a member of the room. */
  readonly isJoined: (connection: Connection, subject: string) => boolean
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
): Answer | Promise<Answer> {
  const settings = namespaceOf(options.namespaces(), room)
  if (isRefusal(settings)) return settings
  const refused = roomRefusal('publish', settings, room, connection.principal)
  if (refused !== null) return refused
  const subject = options.subjects.room(room)
  if (settings.publish.joined && !options.isJoined(connection, subject))
    return refusal('not_joined', `publish: join ${room.name} first`)
  const { payloadBytesMax } = settings.limits
  if (payloadBytesMax !== undefined && (frame.payload?.bytes.length ?? 0) > payloadBytesMax) {
    return refusal('too_large', `data: at most ${payloadBytesMax} bytes in this namespace`)
  }
  const echo = frame.echo ?? settings.echo
  return write('room', subject, connection, frame, echo, options)
}

/** Handles `send` to a user or a connection. */
export function send(
  connection: SignedIn,
  frame: ClientFrameOf<'send'> & Body,
  options: PublishOptions,
): Answer | Promise<Answer> {
  const to = recipientOf(frame, options.nameBytesMax)
  if (isRefusal(to)) return to
  const { principal } = connection
  const toUser = 'user' in to
  const refused = toUser ? sendRefusal(to.user, principal) : sessionRefusal(to.session, connection.session, principal)
  if (refused !== null) return refused
  const subject = toUser ? options.subjects.user(to.user) : options.subjects.session(to.gateway, to.number)
  return write(toUser ? 'user' : 'session', subject, connection, frame, true, options)
}

function write(
  kind: 'room' | 'user' | 'session',
  subject: string,
  connection: SignedIn,
  frame: { readonly event?: string | undefined; readonly key?: string | undefined } & Body,
  echo: boolean,
  options: PublishOptions,
): Answer | Promise<Answer> {
  if (frame.key !== undefined) return refusal('unsupported', 'key: not offered yet')
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
  if (frame.payload.kind === 'bytes') headers.push([HEADER_CONTENT_TYPE, CONTENT_TYPE_BYTES])
  if (!echo) headers.push([HEADER_EXCLUDE_SESSION, session])
  if (!options.backplane.publish(subject, frame.payload.bytes, headers)) return unavailable()
  options.counters.publishes.add(kind)
  return options.backplane.confirm().then((taken) => {
    if (!taken) return unavailable()
    return options.backplane.takeDenial(subject) ? refusal('forbidden', 'NATS does not permit it') : ok()
  })
}
