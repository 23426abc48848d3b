// What stands on the wire has a fingerprint, so that it cannot change without a revision that says so [P-14.3].
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as z from 'zod/mini'
import { BODY_TYPES, clientFrameSchemas, TARGET_FIELDS } from './client-frames.ts'
import { CLOSE_CODES } from './close-codes.ts'
import { ERROR_CODES } from './error-codes.ts'
import * as headers from './headers.ts'
import { GAP_REASONS } from './history/gap-reasons.ts'
import * as limits from './limits.ts'
import { ANONYMOUS_PREFIX, DEFAULT_NAMESPACE, type GatewayId, type UserName } from './names.ts'
import { NAMESPACE_PATTERN } from './namespaces.ts'
import { serverFrameSchemas } from './server-frames.ts'
import type { Method } from './services/methods.ts'
import { createSubjects, DEFAULT_PREFIX, PREFIX_PATTERN } from './subjects.ts'
import {
  BEARER_SUBPROTOCOL_PREFIX,
  FEATURES,
  PROTOCOL_VERSION,
  SCHEMA_REVISION,
  SUBPROTOCOL_JSON,
  SUBPROTOCOL_MSGPACK,
} from './version.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const fingerprints = read('../vectors/fingerprints.json')
const listed = [...fingerprints.matchAll(/"(\d+)": "([0-9a-f]{64})"/g)].map(([, revision, hash]) => ({
  revision: Number(revision),
  hash,
}))

function schemasOf(schemas: Readonly<Record<string, z.core.$ZodType>>): object {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [type, z.toJSONSchema(schema, { io: 'input' })]),
  )
}

/** Everything that the other side could notice. Texts for people are left out: names of closes, meanings of errors. */
function contract(): object {
  const subjects = createSubjects(DEFAULT_PREFIX)
  const [user, gateway] = ['a.b' as UserName, 'gw' as GatewayId]
  return {
    versions: { PROTOCOL_VERSION, SUBPROTOCOL_JSON, SUBPROTOCOL_MSGPACK, BEARER_SUBPROTOCOL_PREFIX, FEATURES },
    clientFrames: { ...schemasOf(clientFrameSchemas), BODY_TYPES: [...BODY_TYPES], TARGET_FIELDS },
    serverFrames: schemasOf(serverFrameSchemas),
    closeCodes: Object.entries(CLOSE_CODES).map(([code, { action }]) => [code, action]),
    errorCodes: Object.keys(ERROR_CODES).sort(),
    names: { ANONYMOUS_PREFIX, DEFAULT_NAMESPACE, NAMESPACE_PATTERN, PREFIX_PATTERN },
    headers: { ...headers },
    gapReasons: Object.keys(GAP_REASONS).sort(),
    limits: { ...limits },
    subjects: [
      subjects.room({ namespace: 'chat', local: 'a.b' }),
      subjects.user(user),
      subjects.rooms('chat'),
      subjects.liveRooms('chat'),
      subjects.publishRoom({ namespace: 'chat', local: 'a.b' }),
      subjects.publishUser(user),
      subjects.liveRoom({ namespace: 'chat', local: 'a.b' }),
      subjects.liveUser(user),
      subjects.call('a b.c' as Method),
      subjects.authorize('join', 'chat'),
      subjects.authorizeConnect(),
      subjects.session(gateway, 7),
      subjects.sessions(gateway),
      subjects.probe(gateway),
    ],
  }
}

/** The same text for the same contract, however its source is ordered. */
function canonical(value: unknown): string {
  if (value instanceof RegExp) return JSON.stringify(String(value))
  if (typeof value === 'function') return '"function"'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join()}}`
}

/** Of the contract and of what is listed for older revisions, so that those lines cannot be changed either. */
function fingerprint(): string {
  const older = listed.filter(({ revision }) => revision < SCHEMA_REVISION)
  const lines = older.map(({ revision, hash }) => `${revision} ${hash}\n`)
  return createHash('sha256')
    .update(`${lines.join('')}${canonical(contract())}`)
    .digest('hex')
}

test('the contract has not changed without a new revision', () => {
  const hash = fingerprint()
  const known = listed.find(({ revision }) => revision === SCHEMA_REVISION)?.hash
  expect(
    hash,
    `what stands on the wire has changed, and n−1 and n run side by side. If it may change (a new optional field or type, a new
code; nothing that an older peer would refuse or miss): count SCHEMA_REVISION up in version.ts, add a line to its history there, add
  "<revision>": "<hash>"
to proto/vectors/fingerprints.json (run this test again for the hash; never change a line that is there), and bring PROTOCOL.md and the
vectors in step. The hash for revision ${SCHEMA_REVISION} is ${hash}`,
  ).toBe(known)
})

test('revisions are listed once each, in order, up to the present one', () => {
  expect(listed.map(({ revision }) => revision)).toEqual(Array.from({ length: SCHEMA_REVISION }, (_, at) => at + 1))
  expect(Object.keys(JSON.parse(fingerprints))).toHaveLength(listed.length)
})

test('each revision has a line in the history', () => {
  const lines = [...read('./version.ts').matchAll(/^ \* - (\d+): \S/gm)].map(([, revision]) => Number(revision))
  expect(lines).toEqual(listed.map(({ revision }) => revision))
})
