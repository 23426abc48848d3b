// Chapter 8: JSON that travels as it was written, bytes, nesting and sizes, within one encoding and between the two.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import { bytesField, bytesOf, encodeFrame, type Frame } from '../frame-codec.ts'
import { jsonMember } from '../json-member.ts'
import type { Peer } from '../peer.ts'
import { clientFrames } from '../vectors.ts'

/** Texts of JSON that a parser and printer would change, and the value that JavaScript makes of each. */
const TEXTS = [
  'null',
  '12345678901234567890.10',
  '{"b":1,"a":2,"10":3,"9":4}',
  '1E400',
  '-0',
  '1.0e+2',
  '"\\ud800"',
  '"\\u0041\\/ é \\u2028"',
  '{"__proto__":{"a":1},"constructor":2}',
  '[ 1,\t2 ]',
  '9007199254740993',
  '{"":{"":[]}}',
]

/** What a member that speaks MessagePack gets [P-8.3]. */
function javaScriptValue(text: string): unknown {
  const fixed = (value: unknown): unknown => {
    if (typeof value === 'string') return value.toWellFormed()
    if (Array.isArray(value)) return value.map(fixed)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fixed(inner)]))
  }
  return fixed(JSON.parse(text))
}

async function pair(bench: Bench): Promise<{ room: string; publisher: Peer; text: Peer; packed: Peer }> {
  const room = bench.room()
  const publisher = await bench.user()
  const text = await (await bench.user({ encoding: 'json' })).join(room)
  const packed = await (await bench.user({ encoding: 'msgpack', at: 1 })).join(room)
  return { room, publisher, text, packed }
}

async function asWritten(bench: Bench): Promise<void> {
  const { room, publisher, text } = await pair(bench)
  for (const data of TEXTS) {
    publisher.sendRaw(`{"type":"publish","room":${JSON.stringify(room)},"data": \t${data}\r\n}`)
    const frame = await text.message(room)
    equal('`data` as it travelled', jsonMember(text.raw(frame).toString(), 'data'), data)
  }
}

async function asJavaScript(bench: Bench): Promise<void> {
  const { room, publisher, packed } = await pair(bench)
  for (const data of TEXTS.filter((text) => !text.includes('__proto__') && text !== '-0')) {
    publisher.sendRaw(`{"type":"publish","room":${JSON.stringify(room)},"data":${data}}`)
    equal(`the value of ${data}`, (await packed.message(room)).data, javaScriptValue(data))
  }
}

function vectors(kind: 'json' | 'bytes') {
  return async (bench: Bench): Promise<void> => {
    const rooms = new Map<string, { text: Peer; packed: Peer }>()
    const name = bench.name('ann')
    for (const { name: what, frame, payload, json, msgpack } of clientFrames.accepted) {
      const message = bench.encoding === 'json' ? json : msgpack
      const { room } = frame
      if (frame.type !== 'publish' || room === undefined || payload?.kind !== kind || message === undefined) continue
      // A key is of history, and other namespaces than `default` may not be there.
      if ('key' in frame || room.includes(':')) continue
      const members = rooms.get(room) ?? {
        text: await (await bench.user({ encoding: 'json' })).join(room),
        packed: await (await bench.user({ encoding: 'msgpack' })).join(room),
      }
      rooms.set(room, members)
      await using publisher = await bench.user({ name })
      publisher.sendRaw(bench.encoding === 'json' ? message : Buffer.from(message, 'hex'))
      // Others may publish in rooms that are named by the vectors.
      const own = ({ type, from }: Frame) => type === 'message' && from === name
      const text = await members.text.next(own, `the message of “${what}”`)
      const packed = await members.packed.next(own, `the message of “${what}”`)
      if (payload.kind === 'bytes') {
        equal(`bytes of “${what}”`, bytesOf('json', text)?.toString('hex'), payload.hex)
        equal(`bytes of “${what}”`, bytesOf('msgpack', packed)?.toString('hex'), payload.hex)
      } else if (bench.encoding === 'json') {
        equal(`data of “${what}”`, jsonMember(members.text.raw(text).toString(), 'data'), payload.text)
      } else equal(`data of “${what}”`, text.data, JSON.parse(payload.text))
    }
  }
}

async function safeIntegers(bench: Bench): Promise<void> {
  const { room, publisher, text, packed } = await pair(bench)
  const data = [2 ** 53 - 1, -(2 ** 53 - 1), 0, -1, 2 ** 32, 1.5, -2.25e-10, true, '', 'é😀', null, { a: [{}] }]
  await publisher.ok({ type: 'publish', room, data })
  for (const member of [text, packed]) equal('the value', (await member.message(room)).data, data)
}

async function bytes(bench: Bench): Promise<void> {
  const { room, publisher, text, packed } = await pair(bench)
  for (const length of [0, 1, 2, 3, 255, 256, 3000]) {
    const sent = Buffer.from(Array.from({ length }, (_, at) => (at * 7) % 256))
    await publisher.ok({ type: 'publish', room, ...bytesField(bench.encoding, sent) })
    const [json, msgpack] = [await text.message(room), await packed.message(room)]
    equal('base64 of the bytes', json.bytes, sent.toString('base64'))
    equal('a field `bytes` in MessagePack', msgpack.bytes, undefined)
    holds(bytesOf('msgpack', msgpack)?.equals(sent) === true, `${length} bytes as one bin`, msgpack)
  }
}

async function eitherOr(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user({ encoding: 'json', grants: { send: ['*'] } })]
  await peer.join(room)
  for (const payload of [
    {},
    { data: 1, bytes: 'AA==' },
    { bytes: 7 },
    { bytes: 'AA' },
    { bytes: 'A A=' },
    { bytes: 'AB==' },
  ]) {
    await peer.refused({ type: 'publish', room, ...payload }, 'bad_request')
    await peer.settled()
  }
  await peer.refused({ type: 'send', user: bench.name('x') }, 'bad_request')
  await peer.ok({ type: 'publish', room, data: null })
  like('a message of null', await peer.message(room), { data: null })
}

async function depth(bench: Bench): Promise<void> {
  const { room, publisher, text, packed } = await pair(bench)
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  await publisher.ok({ type: 'publish', room, data: JSON.parse(nested(256)) })
  for (const member of [text, packed]) {
    equal('the value', JSON.stringify((await member.message(room)).data), nested(256))
  }
  await publisher.refused({ type: 'publish', room, data: JSON.parse(nested(257)) }, 'bad_request')
}

async function frameSize(bench: Bench): Promise<void> {
  const frameBytesMax = bench.limit('frameBytesMax')
  const { room, publisher, text } = await pair(bench)
  const frame = (length: number) => ({ type: 'publish', room, data: 'x'.repeat(length), id: 1 })
  // The length of a text takes more bytes in MessagePack the longer it is, so it is measured near the limit.
  const near = frameBytesMax - 512
  const overhead = Buffer.byteLength(encodeFrame(bench.encoding, frame(near))) - near
  for (const bytesOver of [-1, 0]) {
    like(
      'an answer to a frame within the limit',
      await publisher.request(frame(frameBytesMax - overhead + bytesOver)),
      {
        type: 'ok',
      },
    )
    await text.message(room)
  }
  publisher.send(frame(frameBytesMax - overhead + 1))
  await publisher.closedWith(1009)
}

async function smaller(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('small'), await bench.user()]
  await peer.join(room)
  // Two quotation marks belong to the payload.
  for (const length of [97, 98]) await peer.ok({ type: 'publish', room, data: 'x'.repeat(length) })
  await peer.refused({ type: 'publish', room, data: 'x'.repeat(99) }, 'too_large')
}

/** Checks of chapter 8. */
export const PAYLOAD_CHECKS: readonly Check[] = [
  { clauses: ['8.1'], name: 'a payload is `data` or bytes', encodings: 'once', run: eitherOr },
  { clauses: ['8.2'], name: 'JSON travels as it was written', encodings: 'json', run: asWritten },
  { clauses: ['8.3'], name: 'MessagePack gets the value that JavaScript reads', encodings: 'json', run: asJavaScript },
  { clauses: ['8.3'], name: 'what both can say is the same in both', run: safeIntegers },
  { clauses: ['8.1', '8.4'], name: 'bytes are base64 in JSON and one bin in MessagePack', run: bytes },
  { clauses: ['8.2'], name: 'JSON of the vectors arrives', run: vectors('json') },
  { clauses: ['8.4'], name: 'bytes of the vectors arrive', run: vectors('bytes') },
  { clauses: ['8.5'], name: 'data is nested at most 256 deep', run: depth },
  { clauses: ['8.6', '10.1', '12.1'], name: 'a frame above `frameBytesMax` closes with 1009', run: frameSize },
  { clauses: ['8.6'], name: 'a namespace may allow less', namespaces: ['small'], run: smaller },
]
