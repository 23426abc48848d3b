// The values that leases and entries carry in their buckets, written and read. A value that this release can't read is `newer`
// or null, never an exception. Whose entries count is liveness.ts's question, who is in a room room-view.ts's.
import * as z from 'zod/mini'
import { LIMITS } from '../limits.ts'
import { type GatewayId, parseGateway, parseSession, parseUser, type SessionId, type UserName } from '../names.ts'
import { INSTANCE_PATTERN } from './keys.ts'
import {
  readVersioned,
  type Unversioned,
  VALUE_VERSION,
  type Versioned,
  versionField,
  writeVersioned,
} from './versioned.ts'

/** A lease's value has at most this many bytes. */
export const LEASE_BYTES_MAX = 4096

/** An entry has at most this many bytes, so that it fits a message of NATS's default `max_payload` of 1 MiB with its headers. */
export const ENTRY_BYTES_MAX = 960 * 1024

/** Members or users in one entry. */
export const ENTRY_ITEMS_MAX = 256

/** Sessions of one user in one entry: some 110 bytes each, so that one user always fits. Further ones are not written. */
export const ENTRY_SESSIONS_MAX = 4096

/**
 * What a lease says of its owner: `announcing` until all entries are written (a router: until its shards are loaded), then
 * `up`; `draining` once it has begun to leave; `dead` is written by a router, and who finds that at its own key has lost it.
 */
export type LeaseState = 'announcing' | 'up' | 'draining' | 'dead'

const name = z.string().check(z.maxLength(256))
const count = z.int().check(z.nonnegative())
const instance = z.string().check(z.regex(INSTANCE_PATTERN))
const gateway = z.custom<GatewayId>((raw) => parseGateway(raw) !== null)
const user = z.custom<UserName>((raw) => parseUser(raw, LIMITS.nameBytesMax.max) !== null)
const session = z.custom<SessionId>((raw) => parseSession(raw) !== null)

/** The value of a lease. */
export const leaseValueSchema = z.object({
  v: versionField,
  /** The process's name in logs. */
  name,
  /** Its release. */
  version: name,
  state: z.enum(['announcing', 'up', 'draining', 'dead']),
  /** The id of the process in sessions and control subjects; absent where it is the instance. Of gateways only. */
  gateway: z.optional(gateway),
  /** The last instance of this process that was `up`: while this one announces, its entries count too. */
  adopts: z.optional(instance),
  /** Open connections. Of gateways only. */
  connections: z.optional(count),
})

/** See {@link leaseValueSchema}. */
export type LeaseValue = Unversioned<z.infer<typeof leaseValueSchema>>

/** A member of a room as one gateway knows it. */
export interface EntryMember {
  readonly user: UserName
  /** What the token says of the user for others to see: JSON of at most 256 bytes. */
  readonly info?: unknown
  /** Connections of the user in the room on that gateway; at least 1. */
  readonly connections: number
}

/** A user of the directory as one gateway knows it. */
export interface EntryUser {
  readonly user: UserName
  readonly sessions: readonly EntrySession[]
}

/** One connection of a user. */
export interface EntrySession {
  readonly session: SessionId
  /** When it signed in, in milliseconds of Unix time by its gateway's clock. */
  readonly since: number
}

const memberSchema = z.object({ user, info: z.optional(z.unknown()), connections: z.int().check(z.positive()) })
const sessionSchema = z.object({ session, since: count })
const userSchema = z.object({ user, sessions: z.array(sessionSchema).check(z.maxLength(ENTRY_SESSIONS_MAX)) })

/** The value of a room's entry. */
export const roomEntrySchema = z.object({
  v: versionField,
  members: z.array(memberSchema).check(z.maxLength(ENTRY_ITEMS_MAX)),
})

/** The value of an entry of the directory of users. */
export const userEntrySchema = z.object({
  v: versionField,
  users: z.array(userSchema).check(z.maxLength(ENTRY_ITEMS_MAX)),
})

/** Reads a lease. */
export function decodeLease(bytes: Uint8Array): Versioned<LeaseValue> {
  return readVersioned(bytes, LEASE_BYTES_MAX, leaseValueSchema)
}

/** Writes a lease. */
export function encodeLease(value: LeaseValue): string {
  return writeVersioned(value)
}

/** Reads the members of a room's entry. */
export function decodeRoomEntry(bytes: Uint8Array): Versioned<readonly EntryMember[]> {
  const read = readVersioned(bytes, ENTRY_BYTES_MAX, roomEntrySchema)
  return read === null || read === 'newer' ? read : read.members
}

/** Reads the users of an entry of the directory. */
export function decodeUserEntry(bytes: Uint8Array): Versioned<readonly EntryUser[]> {
  const read = readVersioned(bytes, ENTRY_BYTES_MAX, userEntrySchema)
  return read === null || read === 'newer' ? read : read.users
}

/** Writes one member, as {@link roomEntryText} takes it. */
export function memberText({ user, info, connections }: EntryMember): string {
  return JSON.stringify({ user, ...(info === undefined ? {} : { info }), connections })
}

/** Writes one user with the oldest {@link ENTRY_SESSIONS_MAX} of its sessions, as {@link userEntryText} takes it. */
export function userText({ user, sessions }: EntryUser): string {
  const written = sessions.slice(0, ENTRY_SESSIONS_MAX).map(({ session, since }) => ({ session, since }))
  return JSON.stringify({ user, sessions: written })
}

/** Writes a room's entry from the texts of its members, so that a change of one does not print the others again. */
export function roomEntryText(members: readonly string[]): string {
  return `{"v":${VALUE_VERSION},"members":[${members.join()}]}`
}

/** Writes an entry of the directory from the texts of its users. */
export function userEntryText(users: readonly string[]): string {
  return `{"v":${VALUE_VERSION},"users":[${users.join()}]}`
}
