// Fields that requests of services and messages of control have in common: names, parsed with the widest bounds that a configuration
// may set, and what each says to one who got it wrong. The texts never quote what was sent.
import * as z from 'zod/mini'
import { CLOSE_REASON_BYTES_MAX, LIMITS, TOKEN_ID_BYTES_MAX } from '../limits.ts'
import {
  type GatewayId,
  parseGateway,
  parseRoom,
  parseSession,
  parseUser,
  type RoomName,
  type SessionId,
  type UserName,
} from '../names.ts'

const nameBytesMax = LIMITS.nameBytesMax.max
const encoder = new TextEncoder()
const roomNeeded = 'a room is needed'
const tokenNeeded = `the jti of a token is needed, of at most ${TOKEN_ID_BYTES_MAX} bytes`
const notBeforeNeeded = 'seconds of Unix time are needed'
const reasonNeeded = `a text of at most ${CLOSE_REASON_BYTES_MAX} bytes is needed`

/** A room as anyone may write it; {@link parseRoom} gives its canonical name. */
export const roomTextField = z
  .string(roomNeeded)
  .check(z.refine((raw) => parseRoom(raw, nameBytesMax) !== null, roomNeeded))

/** A room by its canonical name, as Sluice writes it. */
export const roomField = z.custom<RoomName>((raw) => parseRoom(raw, nameBytesMax)?.name === raw)

/** A user. */
export const userField = z.custom<UserName>((raw) => parseUser(raw, nameBytesMax) !== null, 'a user is needed')

/** A connection. */
export const sessionField = z.custom<SessionId>((raw) => parseSession(raw) !== null, 'a session is needed')

/** A gateway by the id in its sessions. */
export const gatewayField = z.custom<GatewayId>((raw) => parseGateway(raw) !== null, 'a gateway is needed')

/** A token by its `jti`. */
export const tokenField = z
  .string(tokenNeeded)
  .check(
    z.refine(
      (raw) => raw !== '' && raw.isWellFormed() && encoder.encode(raw).length <= TOKEN_ID_BYTES_MAX,
      tokenNeeded,
    ),
  )

/** Seconds of Unix time, as `iat` of tokens. */
export const notBeforeField = z
  .int(notBeforeNeeded)
  .check(z.minimum(0, notBeforeNeeded), z.maximum(9_999_999_999, notBeforeNeeded))

/** What people read in a close frame or in `removed`. */
export const reasonField = z
  .string(reasonNeeded)
  .check(z.refine((raw) => raw.isWellFormed() && encoder.encode(raw).length <= CLOSE_REASON_BYTES_MAX, reasonNeeded))

/** Whether exactly one of them is there. */
export function isOneOf(...values: readonly unknown[]): boolean {
  return values.filter((value) => value !== undefined).length === 1
}
