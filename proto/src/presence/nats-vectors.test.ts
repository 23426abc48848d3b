// What each tier puts on NATS, held against vectors/nats.json: an older and a newer release must read it alike.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../error-codes.ts'
import { decodeRollbackClaim, encodeRollbackClaim } from '../history/rollback-claim.ts'
import { type GatewayId, parseRoom, parseUser } from '../names.ts'
import { createSubjects } from '../subjects.ts'
import { type ApiVerb, decodeApiAnswer, decodeApiRequest } from './api.ts'
import { apiErrorNumber, decodeApiError, encodeApiError } from './api-errors.ts'
import { createPresenceStores } from './buckets.ts'
import { decodeControl, decodeControlAnswer, encodeControl, encodeControlAnswer } from './control.ts'
import { decodeEvent, type EventCause, encodeEvent, eventId, eventSubject } from './events.ts'
import { decodeGatherPart, decodeGatherRequest, encodeGatherPart, encodeGatherRequest } from './gather.ts'
import {
  leaseKey,
  parseLeaseKey,
  parseRoomEntryKey,
  parseUserEntryKey,
  roomEntryKey,
  roomShard,
  type Tier,
  userEntryKey,
  userShard,
} from './keys.ts'
import { decodeReceipt, encodeReceipt } from './receipt.ts'
import {
  decodeRevocation,
  encodeRevocation,
  parseRevocationKey,
  type RevocationTarget,
  revocationKey,
} from './revocation.ts'
import {
  decodeLease,
  decodeRoomEntry,
  decodeUserEntry,
  encodeLease,
  memberText,
  roomEntryText,
  userEntryText,
  userText,
} from './values.ts'
import type { Versioned } from './versioned.ts'

interface Vector {
  readonly json: string
  readonly value: unknown
}

interface Values {
  readonly written: readonly Vector[]
  readonly read?: readonly Vector[]
  readonly newer?: readonly string[]
  readonly unsupported?: readonly string[]
  readonly refused?: readonly string[]
}

interface Keys<accepted> {
  readonly accepted: readonly accepted[]
  readonly refused: readonly string[]
}

interface Entry {
  readonly instance: string
  readonly chunk: number
  readonly key: string
}

interface Vectors {
  readonly stores: readonly (ReturnType<typeof createPresenceStores> & {
    readonly prefix: string
    readonly control: {
      readonly all: string
      readonly gateway: string
      readonly routers: string
      readonly receipt: string
    }
    readonly api: string
  })[]
  readonly keys: {
    readonly leases: Keys<{ readonly tier: Tier; readonly instance: string; readonly key: string }>
    readonly rooms: Keys<Entry & { readonly room: string; readonly subject: string; readonly followed: string }>
    readonly users: Keys<Entry & { readonly user: string }>
  }
  readonly values: { readonly leases: Values; readonly roomEntries: Values; readonly userEntries: Values }
  readonly events: {
    readonly written: readonly {
      readonly json: string
      readonly subject: string
      readonly cause: EventCause
      readonly id: string
    }[]
    readonly read: readonly { readonly json: string; readonly event: unknown }[]
    readonly ignored: readonly string[]
  }
  readonly api: {
    readonly requests: {
      readonly accepted: readonly { readonly verb: ApiVerb; readonly json: string; readonly request: unknown }[]
      readonly refused: readonly { readonly verb: ApiVerb; readonly json: string }[]
    }
    readonly answers: readonly { readonly verb: ApiVerb; readonly json: string }[]
    readonly errors: readonly { readonly code: ErrorCode; readonly number: number; readonly json: string }[]
  }
  readonly receipts: Values
  readonly revocations: Values & {
    readonly keys: Keys<
      RevocationTarget & { readonly key: string; readonly subject: string; readonly followed: string }
    >
  }
  readonly control: Values & { readonly answers: readonly Vector[] }
  readonly rollbackClaims: Values
  readonly gather: Omit<Values, 'written'> & { readonly requests: readonly Vector[]; readonly parts: readonly Vector[] }
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../../vectors/nats.json', import.meta.url), 'utf8'))
const bytes = (text: string) => new TextEncoder().encode(text)
const stores = createPresenceStores()

test.each(vectors.stores)(
  'the names of prefix $prefix are these',
  ({ prefix, leases, entries, revoked, events, control, api }) => {
    const subjects = createSubjects(prefix)
    expect(createPresenceStores(prefix)).toMatchObject({ leases, entries, revoked, events })
    expect([subjects.controlAll(), subjects.control('gw1' as GatewayId), subjects.gather()]).toEqual([
      control.all,
      control.gateway,
      control.routers,
    ])
    expect(subjects.receipt('r-1')).toBe(control.receipt)
    expect(subjects.api('presence')).toBe(api)
  },
)

describe('a key', () => {
  test.each(vectors.keys.leases.accepted)('of a lease is $key', ({ key, tier, instance }) => {
    expect(leaseKey(tier, instance)).toBe(key)
    expect(parseLeaseKey(key)).toEqual({ tier, instance })
  })

  test.each(vectors.keys.rooms.accepted)('of a room is $key', ({ key, room: name, instance, chunk, ...on }) => {
    const room = parseRoom(name, 128)!
    expect(roomEntryKey({ room, instance, chunk })).toBe(key)
    expect(parseRoomEntryKey(key)).toEqual({ room, shard: roomShard(room), instance, chunk })
    expect([stores.entries.subject(key), stores.entries.followed(key)]).toEqual([on.subject, on.followed])
  })

  test.each(vectors.keys.users.accepted)('of the directory is $key', ({ key, user, instance, chunk }) => {
    const shard = userShard(parseUser(user, 128)!)
    expect(userEntryKey({ shard, instance, chunk })).toBe(key)
    expect(parseUserEntryKey(key)).toEqual({ shard, instance, chunk })
  })

  test.each(vectors.revocations.keys.accepted)('of a revocation is $key', ({ key, subject, followed, ...target }) => {
    expect(revocationKey(target as RevocationTarget)).toBe(key)
    expect(parseRevocationKey(key)).toEqual(target)
    expect([stores.revoked.subject(key), stores.revoked.followed(key)]).toEqual([subject, followed])
  })

  test.each([
    ['a revocation', vectors.revocations.keys.refused, parseRevocationKey],
    ['a lease', vectors.keys.leases.refused, parseLeaseKey],
    ['a room', vectors.keys.rooms.refused, parseRoomEntryKey],
    ['the directory', vectors.keys.users.refused, parseUserEntryKey],
  ] as const)('of %s is none of the refused', (_, refused, parse) => {
    for (const key of refused) expect([key, parse(key)]).toEqual([key, null])
  })
})

type Read = (bytes: Uint8Array) => Versioned<unknown> | 'unsupported'
// What stands in the vectors is what the writers take, as the readers prove.
const write = <value>(writer: (value: value) => string) => writer as (value: unknown) => string

describe.each<[string, Values, Read, (value: unknown) => string]>([
  ['a lease', vectors.values.leases, decodeLease, write(encodeLease)],
  [
    'an entry of a room',
    vectors.values.roomEntries,
    decodeRoomEntry,
    write((members: Parameters<typeof memberText>[0][]) => roomEntryText(members.map(memberText))),
  ],
  [
    'an entry of the directory',
    vectors.values.userEntries,
    decodeUserEntry,
    write((users: Parameters<typeof userText>[0][]) => userEntryText(users.map(userText))),
  ],
  ['control', vectors.control, decodeControl, write(encodeControl)],
  ['a receipt', vectors.receipts, decodeReceipt, write(encodeReceipt)],
  ['a revocation', vectors.revocations, decodeRevocation, write(encodeRevocation)],
  ['an answer to control', { written: vectors.control.answers }, decodeControlAnswer, write(encodeControlAnswer)],
  [
    'a request between routers',
    { ...vectors.gather, written: vectors.gather.requests },
    decodeGatherRequest,
    write(encodeGatherRequest),
  ],
  ['a claim of a rollback', vectors.rollbackClaims, decodeRollbackClaim, write(encodeRollbackClaim)],
  ['a part of an answer', { written: vectors.gather.parts }, decodeGatherPart, write(encodeGatherPart)],
])('%s', (_, values, decode, encode) => {
  test('is written and read as in the vectors', () => {
    for (const { json, value } of values.written) {
      expect(decode(bytes(json))).toEqual(value)
      expect(JSON.parse(encode(value))).toEqual(JSON.parse(json))
      expect(encode(decode(bytes(json)))).toBe(json)
    }
  })

  test('of another release is read, skipped or refused as in the vectors', () => {
    for (const { json, value } of values.read ?? []) expect(decode(bytes(json))).toEqual(value)
    for (const json of values.newer ?? []) expect([json, decode(bytes(json))]).toEqual([json, 'newer'])
    for (const json of values.unsupported ?? []) expect([json, decode(bytes(json))]).toEqual([json, 'unsupported'])
    for (const json of values.refused ?? []) expect([json, decode(bytes(json))]).toEqual([json, null])
  })
})

describe('an event', () => {
  const subjects = createSubjects('sluice')

  test.each(vectors.events.written)('is written to $subject', ({ json, subject, cause, id }) => {
    const event = decodeEvent(bytes(json))!
    expect(event).toEqual(JSON.parse(json))
    expect(JSON.parse(encodeEvent(event))).toEqual(JSON.parse(json))
    expect([eventSubject(subjects, event), eventId(subjects, event, cause)]).toEqual([subject, id])
  })

  test('of another release is read or ignored', () => {
    for (const { json, event } of vectors.events.read) expect(decodeEvent(bytes(json))).toEqual(event)
    for (const json of vectors.events.ignored) expect([json, decodeEvent(bytes(json))]).toEqual([json, null])
  })
})

describe("the services' API", () => {
  test.each(vectors.api.requests.accepted)('is asked for $verb with $json', ({ verb, json, request }) => {
    expect(decodeApiRequest(verb, bytes(json))).toEqual({ ok: true, request })
  })

  test.each(vectors.api.requests.refused)('refuses to $verb $json', ({ verb, json }) => {
    expect(decodeApiRequest(verb, bytes(json))).toMatchObject({ ok: false })
  })

  test.each(vectors.api.answers)('answers $verb with $json', ({ verb, json }) => {
    expect(decodeApiAnswer(verb, bytes(json))).toEqual(JSON.parse(json))
  })

  test.each(vectors.api.errors)('answers the error $code with $number', ({ code, number, json }) => {
    const error = decodeApiError(number, bytes(json))
    expect([error.code, apiErrorNumber(code), encodeApiError(error)]).toEqual([code, number, json])
  })
})
