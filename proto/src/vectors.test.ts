// The vectors say the same as the code: each is run through whatever it speaks of, and both encodings where it has both.
import { readFileSync } from 'node:fs'
import { Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import type { ClientFrame, RequestId } from './client-frames.ts'
import { CLOSE_CODES, type CloseAction, closeAction } from './close-codes.ts'
import type { ClientFrameWithPayload, Codec } from './codec.ts'
import { ERROR_CODES } from './error-codes.ts'
import { jsonCodec } from './json-codec.ts'
import { LIMITS } from './limits.ts'
import { msgpackCodec } from './msgpack.ts'
import { writeMsgpack } from './msgpack-writer.ts'
import { type GatewayId, isWildcard, parseRoom, parseSession, parseUser } from './names.ts'
import type { ServerFrame } from './server-frames.ts'
import { createSubjects, DEFAULT_PREFIX, PREFIX_PATTERN, sessionNumber } from './subjects.ts'
import { decodeToken, encodeToken } from './tokens.ts'

/** A text, or how to make one that is too long or too broken for a JSON file. */
type Text = string | { readonly repeat: string; readonly times: number } | { readonly utf16: string }

interface Encoded {
  readonly name: string
  readonly json?: string
  readonly msgpack?: string
}

interface Bounds {
  readonly accepted: readonly number[]
  readonly refused: readonly number[]
}

function load<vectors>(file: string): vectors {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}`, import.meta.url), 'utf8'))
}

function textOf(text: Text): string {
  if (typeof text === 'string') return text
  if ('repeat' in text) return text.repeat.repeat(text.times)
  return (text.utf16.match(/.{4}/g) ?? []).map((unit) => String.fromCharCode(Number.parseInt(unit, 16))).join('')
}

/** The encodings of a vector, with the bytes in each. */
function encodings({ json, msgpack }: Encoded): [Codec, Uint8Array][] {
  const list: [Codec, Uint8Array][] = []
  if (json !== undefined) list.push([jsonCodec, Buffer.from(json)])
  if (msgpack !== undefined) list.push([msgpackCodec, Buffer.from(msgpack, 'hex')])
  expect(list).not.toHaveLength(0)
  return list
}

const named = <vector extends { name: string }>(list: readonly vector[]) =>
  list.map((vector) => [vector.name, vector] as const)

const client = load<{
  accepted: readonly (Encoded & { frame: ClientFrame; payload?: { kind: string; text?: string; hex?: string } })[]
  refused: readonly (Encoded & { reason: string; id?: RequestId })[]
  limits: readonly { field: string; frame: object; text?: Bounds; integer?: Bounds; depth?: Bounds }[]
}>('client-frames.json')

describe("a client's frame [P-4.3]", () => {
  test.each(named(client.accepted))('is accepted: %s', (_, vector) => {
    for (const [codec, bytes] of encodings(vector)) {
      const parsed = codec.decodeClient(bytes)
      if (!parsed.ok) throw new Error(`${codec.subprotocol}: ${parsed.message}`)
      const {
        data: _data,
        bytes: _bytes,
        payload,
        ...frame
      } = parsed.frame as ClientFrameWithPayload & { data?: unknown; bytes?: unknown }
      expect(frame).toEqual(vector.frame)
      expect(payload?.kind).toBe(vector.payload?.kind)
      if (vector.payload?.text !== undefined) expect(Buffer.from(payload!.bytes).toString()).toBe(vector.payload.text)
      if (vector.payload?.hex !== undefined)
        expect(Buffer.from(payload!.bytes).toString('hex')).toBe(vector.payload.hex)
    }
  })

  test.each(named(client.refused))('is refused: %s [P-4.6]', (_, vector) => {
    for (const [codec, bytes] of encodings(vector)) {
      expect(codec.decodeClient(bytes)).toMatchObject({ ok: false, reason: vector.reason, id: vector.id })
    }
  })
})

describe('the bound of a field [P-4.5]', () => {
  /** The frame with a value at the path `field`. */
  function frameWith(frame: object, field: string, value: unknown): object {
    const [head = '', ...rest] = field.split('.')
    const inner = (frame as Record<string, unknown>)[head]
    return { ...frame, [head]: rest.length === 0 ? value : frameWith(inner as object, rest.join('.'), value) }
  }

  const nested = (depth: number) => JSON.parse(depth === 0 ? '0' : `${'['.repeat(depth)}${']'.repeat(depth)}`)
  const cases = client.limits.flatMap(({ field, frame, text, integer, depth }) => {
    const make = text !== undefined ? (n: number) => 'x'.repeat(n) : integer !== undefined ? (n: number) => n : nested
    const { accepted, refused } = text ?? integer ?? depth ?? { accepted: [], refused: [] }
    const of = (list: readonly number[], accepted: boolean) =>
      list.map((n) => ({ field, type: (frame as ClientFrame).type, n, accepted, value: make(n), frame }))
    return [...of(accepted, true), ...of(refused, false)]
  })

  test.each(cases)('$field of $type at $n: accepted is $accepted', ({ field, n, accepted, value, frame }) => {
    const whole = frameWith(frame, field, value)
    // What is nested deeper than an encoder can go is written by hand.
    const deep = field === 'data' && n > 1000
    const json = deep
      ? JSON.stringify({ ...whole, data: 0 }).replace(/0\}$/, `${'['.repeat(n)}${']'.repeat(n)}}`)
      : JSON.stringify(whole)
    const head = deep ? writeMsgpack({ ...whole, data: 0 }).slice(0, -1) : writeMsgpack(whole)
    const msgpack = deep ? Buffer.concat([head, Buffer.alloc(n - 1, 0x91), Buffer.of(0x90)]) : head
    expect(jsonCodec.decodeClient(Buffer.from(json)).ok).toBe(accepted)
    expect(msgpackCodec.decodeClient(msgpack).ok).toBe(accepted)
  })
})

const server = load<{
  accepted: readonly (Encoded & { frame: Record<string, unknown>; bytes?: string })[]
  ignored: readonly Encoded[]
}>('server-frames.json')

describe("a gateway's frame [P-4.4]", () => {
  const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' })

  test.each(named(server.accepted))('is read and written: %s', (_, vector) => {
    for (const [codec, encoded] of encodings(vector)) {
      const read = codec.decodeServer(encoded)
      const { bytes, ...frame } = (read ?? {}) as { bytes?: Uint8Array }
      expect(frame).toEqual(vector.frame)
      expect(bytes && Buffer.from(bytes).toString('hex')).toBe(vector.bytes)
      expect(codec.decodeServer(codec.encodeServer(read as ServerFrame))).toEqual(read)
    }
  })

  test.each(named(server.accepted))('means the same to another implementation: %s', (_, vector) => {
    const { data, ...rest } = unpackr.unpack(Buffer.from(vector.msgpack ?? '', 'hex'))
    const { later: _later, ...frame } = rest
    if (vector.bytes === undefined) expect(data === undefined ? frame : { ...frame, data }).toEqual(vector.frame)
    else expect([frame, data.toString('hex')]).toEqual([vector.frame, vector.bytes])
  })

  test.each(named(server.ignored))('is ignored: %s [P-14.1]', (_, vector) => {
    for (const [codec, bytes] of encodings(vector)) expect(codec.decodeServer(bytes)).toBeNull()
  })
})

interface Named<accepted> {
  readonly accepted: readonly accepted[]
  readonly refused: readonly Text[]
}

const names = load<{
  nameBytesMax: number
  rooms: Named<{ text: Text; room: Text; namespace: string; name: Text }>
  wildcards: Named<Text>
  users: Named<Text>
  sessions: Named<{ text: string; gateway: string; number: number }>
}>('names.json')

describe('a name [P-2.1]', () => {
  const max = names.nameBytesMax

  test('is bounded as by default', () => {
    expect(max).toBe(LIMITS.nameBytesMax.default)
  })

  test.each(names.rooms.accepted)('$text is a room [P-2.3]', ({ text, room, namespace, name }) => {
    expect(parseRoom(textOf(text), max)).toEqual({ name: textOf(room), namespace, local: textOf(name) })
  })

  test.each(names.rooms.refused)('%j is no room [P-2.3]', (text) => {
    expect(parseRoom(textOf(text), max)).toBeNull()
  })

  test('with a wildcard is told from a name [P-2.5]', () => {
    for (const text of names.wildcards.accepted) expect(isWildcard(textOf(text))).toBe(true)
    for (const text of names.wildcards.refused) expect(isWildcard(textOf(text))).toBe(false)
  })

  test.each(names.users.accepted)('%j is a user [P-2.6]', (text) => {
    expect(parseUser(textOf(text), max)).toBe(textOf(text))
  })

  test.each(names.users.refused)('%j is no user [P-2.6]', (text) => {
    expect(parseUser(textOf(text), max)).toBeNull()
  })

  test.each(names.sessions.accepted)('$text is a session [P-2.7]', ({ text, gateway, number }) => {
    expect(parseSession(text)).toEqual({ session: text, gateway, number })
  })

  test.each(names.sessions.refused)('%j is no session [P-2.7]', (text) => {
    expect(parseSession(textOf(text))).toBeNull()
  })
})

const tokens = load<{ accepted: readonly { name: string; token: string }[]; refused: readonly string[] }>('tokens.json')

describe('a token [P-2.8]', () => {
  test.each(tokens.accepted)('of $name is $token', ({ name, token }) => {
    expect(encodeToken(name)).toBe(token)
    expect(decodeToken(token)).toBe(name)
  })

  test.each(tokens.refused)('is not %j', (text) => {
    expect(decodeToken(text)).toBeNull()
  })
})

const subjects = load<{
  prefixes: Named<Text>
  subjects: readonly { prefix?: string; room?: string; user?: string; session?: string; subject: string }[]
  sessionNumbers: { accepted: readonly { subject: string; number: number }[]; refused: readonly string[] }
}>('subjects.json')

describe('a subject [P-9.1]', () => {
  test.each(subjects.subjects)('is $subject', ({ prefix, room, user, session, subject }) => {
    const of = createSubjects(prefix ?? DEFAULT_PREFIX)
    const parsed = parseSession(session)
    if (room !== undefined) expect(of.room(parseRoom(room, names.nameBytesMax)!)).toBe(subject)
    if (user !== undefined) expect(of.user(parseUser(user, names.nameBytesMax)!)).toBe(subject)
    if (parsed !== null) expect(of.session(parsed.gateway as GatewayId, parsed.number)).toBe(subject)
    expect([room, user, parsed].filter((target) => target !== undefined && target !== null)).toHaveLength(1)
  })

  test('has a prefix of one token', () => {
    for (const text of subjects.prefixes.accepted) expect(PREFIX_PATTERN.test(textOf(text))).toBe(true)
    for (const text of subjects.prefixes.refused) expect(PREFIX_PATTERN.test(textOf(text))).toBe(false)
  })

  test('of a connection has its number', () => {
    for (const { subject, number } of subjects.sessionNumbers.accepted) expect(sessionNumber(subject)).toBe(number)
    for (const subject of subjects.sessionNumbers.refused) expect(sessionNumber(subject)).toBeNull()
  })
})

describe('the codes', () => {
  interface Close {
    readonly code: number
    readonly action: CloseAction
  }
  const closes = load<{ known: readonly Close[]; unknown: readonly Close[] }>('close-codes.json')

  test('of closes say what the client does, known or not [P-12.1] [P-12.2]', () => {
    expect(closes.known).toEqual(
      Object.entries(CLOSE_CODES).map(([code, { action }]) => ({ code: Number(code), action })),
    )
    for (const { code, action } of [...closes.known, ...closes.unknown])
      expect([code, closeAction(code)]).toEqual([code, action])
    for (const { code } of closes.unknown) expect(CLOSE_CODES).not.toHaveProperty(String(code))
  })

  test('of errors are these [P-13.1]', () => {
    expect(load('error-codes.json')).toEqual(Object.keys(ERROR_CODES))
  })
})
