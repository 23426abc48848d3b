// The two encodings under fuzz: nothing throws, what was read can be written and read again as the same, a payload says what its frame says, and
// work stays in proportion to the bytes. MessagePack is held against another implementation as well.
import { isDeepStrictEqual } from 'node:util'
import { type ClientFrame, type Codec, jsonCodec, type ServerFrame } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { Packr, Unpackr } from 'msgpackr'
import { bytesOf, type Target } from './target.ts'

/** Processor time for one input of at most 64 KiB, in milliseconds; usual are less than ten, and collections of garbage count. */
const CPU_MS_MAX = 1000

const FRAMES: readonly object[] = [
  { type: 'ping', id: 1 },
  { type: 'auth', token: 'a.b.c' },
  { type: 'join', id: 'x', room: 'chat:a', since: { epoch: 'e', offset: 7, time: 1 }, history: 10, presence: true },
  { type: 'leave', user: 'ann' },
  {
    type: 'publish',
    id: 2,
    room: 'a',
    data: { list: [1, -1, 1.5, null, true, 'é', 2 ** 40] },
    event: 'e',
    key: 'k',
    echo: false,
  },
  {
    type: 'send',
    user: 'ben',
    data: 'text',
    ephemeral: true,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  },
  { type: 'call', method: 'orders.get', data: {}, timeoutMs: 100 },
  { type: 'presence', room: 'a' },
  { type: 'history', room: 'a', limit: 10, before: 5 },
]

/** Lengths at which a head has another form. */
const LENGTHS = [15, 16, 31, 32, 255, 256, 400, 60_000]

const ANSWERS: readonly object[] = [
  {
    type: 'welcome',
    version: 1,
    session: 's',
    user: 'u',
    gateway: 'g',
    time: 1,
    heartbeatMs: 1,
    limits: { roomsMax: 1 },
    features: ['a'],
  },
  { type: 'ok', id: 1, offset: 1, prev: 0, members: [{ user: 'a', connections: 1, info: {} }], count: 1 },
  { type: 'error', id: 1, code: 'bad_request', message: 'm', retryAfterMs: 1 },
  { type: 'message', room: 'a', data: [1], from: 'ann', offset: 3, prev: 2, time: 1 },
  { type: 'joined', room: 'a', member: { user: 'a', connections: 1 } },
  { type: 'gap', room: 'a', reason: 'x', epoch: 'e', offset: 1 },
  { type: 'move', afterMs: 1, reason: 'r' },
]

/** Right, but as no library writes it. */
const TEXTS = [
  '{"type":"publish","room":"a","d\\u0061ta":[1]}',
  '{"data":1,"type":"publish","room":"a","data": {"data":2} }',
  ' {"type" : "send","user":"\\ud800","bytes":"AP8=","data2":"\\\\"}',
]

const WORDS = [
  ...'type id room user data bytes key event since epoch offset history limit session method echo token'
    .split(' ')
    .map((word) => `"${word}":`),
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u0022',
    '\\ud800',
    '\\u0064ata',
    '1e999',
    '-0',
    '9007199254740993',
    '0.1',
    'null',
    'true',
    ' ',
    '\n',
  ],
  ...[
    '"data":1,',
    '"bytes":"AA=="',
    '[[[[[[[[[[[[[[[[',
    '{"a":{"a":{"a":{"a":',
    '\xef\xbb\xbf',
    '\xed\xa0\x80',
    '\xff',
    '__proto__',
    'constructor',
  ],
].map(bytesOf)

const HEADS = [
  ...[0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xd4, 0xd8, 0xe0, 0xff].map(
    (head) => [head],
  ),
  ...[0xc4, 0xc7, 0xcc, 0xd0, 0xd9].map((head) => [head, 1]),
  ...[0xc5, 0xc8, 0xcd, 0xd1, 0xda, 0xdc, 0xde].map((head) => [head, 0, 2]),
  ...[0xc6, 0xc9, 0xce, 0xd2, 0xdb, 0xdd, 0xdf, 0xca].map((head) => [head, 0, 0, 0, 1]),
  ...[0xcf, 0xd3, 0xcb].map((head) => [head, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  [0xdf, 0xff, 0xff, 0xff, 0xff],
  Array.from({ length: 80 }, () => 0x91),
  ...['type', 'room', 'data', 'bytes', 'id', 'publish', 'message'].map((word) => [
    0xa0 | word.length,
    ...Buffer.from(word),
  ]),
].map((head) => Uint8Array.from(head))

/** Makes the target of an encoding. */
export function codecTarget(encoding: 'json' | 'msgpack'): Target {
  const codec = encoding === 'json' ? jsonCodec : msgpackCodec
  const packr = new Packr({ useRecords: false, variableMapSize: true })
  const texts = encoding === 'json' ? TEXTS.map(bytesOf) : []
  const sized = LENGTHS.flatMap((length) => [
    { type: 'publish', room: 'a', data: 'x'.repeat(length) },
    { type: 'publish', room: 'a', data: Array.from({ length: Math.min(length, 20_000) }, () => 1) },
  ])
  const seeds = [...FRAMES, ...ANSWERS, ...sized].map((frame) =>
    encoding === 'json' ? Buffer.from(JSON.stringify(frame)) : packr.pack(frame),
  )
  return {
    covers: (url) => url.includes('/proto/src/'),
    seeds: [...seeds, ...texts],
    words: encoding === 'json' ? WORDS : HEADS,
    bytesMax: 64 * 1024,
    width: 64,
    run(input) {
      const began = process.cpuUsage()
      judgeClient(codec, input)
      judgeServer(codec, input)
      if (encoding === 'msgpack') judgeByOther(input)
      const { user } = process.cpuUsage(began)
      must(user < CPU_MS_MAX * 1000, `took ${user / 1000} ms of the processor`)
    },
    settled: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function must(holds: boolean, promise: string): void {
  if (!holds) throw new Error(promise)
}

/** A client's message: refused by the table, or a frame that survives being written and read, its payload beside it. */
function judgeClient(codec: Codec, input: Uint8Array): void {
  const parsed = codec.decodeClient(input)
  if (!parsed.ok) {
    must(['malformed', 'unknown'].includes(parsed.reason) && parsed.message.length < 200, 'a refusal is of the table')
    return
  }
  const { payload, ...frame } = parsed.frame as ClientFrame & {
    payload?: { kind: string; bytes: Uint8Array }
    data?: unknown
  }
  if (payload?.kind === 'json') {
    const said = JSON.stringify(JSON.parse(Buffer.from(payload.bytes).toString()))
    must(said === JSON.stringify(frame.data), 'a payload says what the frame says')
  }
  const again = written(codec.encodeClient(frame), (bytes) => codec.decodeClient(bytes))
  must(again.ok, 'a frame that was read can be read again')
  if (!again.ok) return
  const { payload: _, ...second } = again.frame as typeof parsed.frame & { payload?: unknown }
  must(
    Buffer.from(codec.encodeClient(frame)).equals(codec.encodeClient(second as ClientFrame)),
    'a frame is written in one way',
  )
}

/** A gateway's message, as a client reads it. */
function judgeServer(codec: Codec, input: Uint8Array): void {
  const frame = codec.decodeServer(input)
  if (frame === null) return
  const first = codec.encodeServer(frame)
  const again = codec.decodeServer(first)
  must(again !== null, 'an answer that was read can be read again')
  must(Buffer.from(first).equals(codec.encodeServer(again as ServerFrame)), 'an answer is written in one way')
}

function written<result>(bytes: Uint8Array, read: (bytes: Uint8Array) => result): result {
  return read(bytes)
}

const other = new Unpackr({ useRecords: false, int64AsType: 'number', mapsAsObjects: true })

/** What JSON can say, two implementations read alike. The other gives `__proto__` a name of its own, and keys that are no texts one. */
function judgeByOther(input: Uint8Array): void {
  const parsed = msgpackCodec.decodeClient(input)
  if (!parsed.ok || !('data' in parsed.frame) || Buffer.from(input).includes('__proto__')) return
  const { data } = parsed.frame
  const read = (other.unpack(input) as { data: unknown }).data
  if (data instanceof Uint8Array) must(Buffer.from(data).equals(read as Uint8Array), 'both read the same bytes')
  else must(isDeepStrictEqual(JSON.stringify(data), JSON.stringify(read)), 'both read the same data')
}
