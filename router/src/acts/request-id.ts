// The id of a request that changes something: by it whoever hears the request twice, or from both owners of a shard, knows it again.
import { createHash } from 'node:crypto'
import { type ApiAct, HEADER_MESSAGE_ID, REQUEST_ID_CHARS_MAX } from '@sluice/proto'

/** The parts of a message from NATS that its id is made of. */
export interface Identified {
  readonly headers?: { last(name: string): string } | undefined
  readonly reply?: string | undefined
}

/** What a request is known by: the part of a message that ids are made of. */
export interface RequestOrigin {
  /** Its `Nats-Msg-Id`: a service that asks again with the same one is answered as before. Empty for none. */
  readonly messageId: string
  /** Where its answer goes: new for each request. */
  readonly reply: string
}

/** Reads it; null for an id that is too long. */
export function originOf({ headers, reply }: Identified): RequestOrigin | null {
  const messageId = headers?.last(HEADER_MESSAGE_ID) ?? ''
  return messageId.length > REQUEST_ID_CHARS_MAX ? null : { messageId, reply: reply ?? '' }
}

/**
 * A digest, so that it fits wherever it is carried.
 *
 * @param about - what the request names: services that count their ids for each room do not meet their own of another
 */
export function requestId(verb: ApiAct, { messageId, reply }: RequestOrigin, about: readonly string[]): string {
  const parts = messageId === '' ? ['reply', reply] : ['id', messageId]
  return digestOf([verb, ...parts, ...about])
}

/** A digest in 43 characters of `A-Z a-z 0-9 _ -`. No part can pass for the end of another, as each has its length before it. */
export function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part)
  return hash.digest('base64url')
}
