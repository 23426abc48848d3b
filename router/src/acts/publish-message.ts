// The message that a service asks to publish: its payload as it was written, and headers. Pure. A gateway checks all of it again, as it
// does with whatever comes from NATS.
import {
  type ApiRequestOf,
  CONTENT_TYPE_BYTES,
  decodeBase64,
  encodeToken,
  HEADER_CONTENT_TYPE,
  HEADER_EVENT,
  HEADER_EXCLUDE_SESSION,
  HEADER_EXCLUDE_USER,
  HEADER_KEY,
  HEADER_RECEIPT,
  HEADER_REQUEST,
  isTooDeep,
  jsonMember,
} from '@sluice/proto'
import type { ApiFailure } from '../api/api-reply.ts'

/** A message that may go out. */
export interface PublishMessage {
  readonly payload: Uint8Array
  readonly headers: readonly (readonly [string, string])[]
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Builds it.
 *
 * @param raw - the request as it came, in which `data` stands as its publisher wrote it
 */
export function messageOf(
  request: ApiRequestOf<'publish'>,
  raw: Uint8Array,
  { id, payloadBytesMax }: { readonly id: string; readonly payloadBytesMax: number },
): PublishMessage | ApiFailure {
  const payload = payloadOf(request, raw)
  if ('code' in payload) return payload
  if (payload.length > payloadBytesMax) return { code: 'too_large', message: `data: at most ${payloadBytesMax} bytes` }
  const { bytes, event, key, exclude, receipt } = request
  const headers: [string, string][] = [[HEADER_REQUEST, id]]
  if (bytes !== undefined) headers.push([HEADER_CONTENT_TYPE, CONTENT_TYPE_BYTES])
  if (event !== undefined) headers.push([HEADER_EVENT, event])
  if (key !== undefined) headers.push([HEADER_KEY, key])
  if (exclude?.session !== undefined) headers.push([HEADER_EXCLUDE_SESSION, encodeToken(exclude.session)])
  if (exclude?.user !== undefined) headers.push([HEADER_EXCLUDE_USER, encodeToken(exclude.user)])
  if (receipt === true) headers.push([HEADER_RECEIPT, id])
  return { payload, headers }
}

function payloadOf({ bytes }: ApiRequestOf<'publish'>, raw: Uint8Array): Uint8Array | ApiFailure {
  if (bytes !== undefined) {
    const decoded = decodeBase64(bytes)
    return decoded ?? { code: 'bad_request', message: 'bytes: standard base64 with padding is needed' }
  }
  const json = jsonMember(decoder.decode(raw), 'data') ?? 'null'
  return isTooDeep(json) ? { code: 'bad_request', message: 'data: it is nested too deep' } : encoder.encode(json)
}
