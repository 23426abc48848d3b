// Chapter 4: the two encodings, the fields of frames with their bounds, and what is malformed. Frames come from proto/vectors, byte by byte.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like, NotRun, shown } from '../expectation.ts'
import { type Encoding, encodeFrame, type Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { type AcceptedFrame, boundFrame, clientFrames, type FieldBound, type RefusedFrame } from '../vectors.ts'

/** Vectors that one connection tries: each costs two frames of its rate. */
const VECTORS_AT_ONCE = 20

function messageOf(encoding: Encoding, vector: AcceptedFrame | RefusedFrame): string | Buffer | null {
  if (encoding === 'json') return vector.json ?? null
  return vector.msgpack === undefined ? null : Buffer.from(vector.msgpack, 'hex')
}

/** Sends a message and returns what came before its answer, if it asks for one, and before that to a `ping` behind it. */
async function told(peer: Peer, message: string | Uint8Array, id?: unknown): Promise<Frame[]> {
  const since = peer.frames.length
  peer.forget()
  peer.sendRaw(message)
  await peer.settled()
  if (id !== undefined) await peer.next((frame) => frame.id === id, `an answer to the id ${shown(id)}`)
  return peer.frames.slice(since)
}

function refusedVectors(reason: RefusedFrame['reason']) {
  return async (bench: Bench): Promise<void> => {
    const { encoding } = bench
    const vectors = clientFrames.refused.filter(
      (vector) => vector.reason === reason && messageOf(encoding, vector) !== null,
    )
    for (let at = 0; at < vectors.length; at += VECTORS_AT_ONCE) {
      await using peer = await bench.user()
      for (const vector of vectors.slice(at, at + VECTORS_AT_ONCE)) {
        const frames = await told(peer, messageOf(encoding, vector) ?? '', vector.id)
        const errors = frames.filter(({ type }) => type === 'error')
        equal(
          `errors for “${vector.name}”`,
          errors.map(({ code }) => code),
          ['bad_request'],
        )
        equal(`the id of the error for “${vector.name}”`, errors[0]?.id, vector.id)
      }
    }
  }
}

async function acceptedVectors(bench: Bench): Promise<void> {
  const vectors = clientFrames.accepted.filter((vector) => messageOf(bench.encoding, vector) !== null)
  for (let at = 0; at < vectors.length; at += VECTORS_AT_ONCE) {
    await using peer = await bench.user({ grants: { send: ['*'] } })
    for (const vector of vectors.slice(at, at + VECTORS_AT_ONCE)) {
      const message = messageOf(bench.encoding, vector) ?? ''
      const frames = await told(peer, message, vector.frame.id)
      const fault = frames.find(({ type, code }) => type === 'error' && code === 'bad_request')
      if (fault !== undefined) throw new Broken(`“${vector.name}” to be well-formed`, shown(fault))
    }
  }
}

async function bounds(bench: Bench): Promise<void> {
  const frameBytesMax = bench.limit('frameBytesMax')
  const cases = clientFrames.limits.flatMap((bound) => casesOf(bench.encoding, bound))
  const fitting = cases.filter(({ message }) => Buffer.byteLength(message) <= frameBytesMax)
  for (let at = 0; at < fitting.length; at += VECTORS_AT_ONCE) {
    await using peer = await bench.user({ grants: { send: ['*'] } })
    for (const { what, message, accepted, id } of fitting.slice(at, at + VECTORS_AT_ONCE)) {
      const frames = await told(peer, message, id)
      const refused = frames.some(({ type, code }) => type === 'error' && code === 'bad_request')
      equal(`whether ${what} is refused as malformed`, refused, !accepted)
    }
  }
}

interface BoundCase {
  readonly what: string
  readonly message: string | Buffer
  readonly accepted: boolean
  readonly id: unknown
}

function casesOf(encoding: Encoding, bound: FieldBound): BoundCase[] {
  const { accepted, refused } = bound.text ?? bound.integer ?? bound.depth ?? { accepted: [], refused: [] }
  const made = (n: number, fits: boolean) => ({
    what: `\`${bound.field}\` of \`${String(bound.frame.type)}\` at ${n}`,
    // A frame that is far too deep for any encoder is far too large as well, and is left out by its size.
    message:
      bound.depth !== undefined && n > 1000 ? Buffer.alloc(2 ** 26) : encodeFrame(encoding, boundFrame(bound, n)),
    accepted: fits,
    id: bound.frame.id,
  })
  return [...accepted.map((n) => made(n, true)), ...refused.map((n) => made(n, false))]
}

async function otherKind(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const frame = { type: 'ping', id: 1 }
  if (bench.encoding === 'json') peer.sendRaw(Buffer.from(JSON.stringify(frame)))
  else peer.sendRaw(JSON.stringify(frame))
  await peer.closedWith(1003)
}

async function equalKeys(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  peer.sendRaw(`{"type":"leave","type":"publish","room":"x","room":${JSON.stringify(room)},"data":1,"data":2}`)
  like('the message', await peer.message(), { room, data: 2 })
}

async function answersHaveTheirFields(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user({ grants: { send: ['*'] } })]
  for (const frame of [
    { type: 'join', room },
    { type: 'publish', room, data: 1, event: 'a.b', echo: true },
    { type: 'send', user: bench.name('x'), data: null },
    { type: 'send', session: peer.session, data: [] },
    { type: 'leave', room },
  ]) {
    like(`the answer to ${shown(frame)}`, await peer.ok(frame), { type: 'ok' })
  }
}

async function messageFields(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const peer = await bench.user({ name, grants: { send: ['*'] } })
  await peer.join(room)
  await peer.ok({ type: 'publish', room, data: { a: 1 }, event: 'said' })
  const own = { from: name, session: peer.session }
  like('a message of a room', await peer.message(), { room, event: 'said', data: { a: 1 }, user: undefined, ...own })
  await peer.ok({ type: 'send', user: name, data: 1 })
  like('a message to a user', await peer.message(), { user: name, room: undefined, event: undefined, data: 1, ...own })
  await peer.ok({ type: 'send', session: peer.session, data: 2 })
  like('a message to a connection', await peer.message(), { user: name, data: 2, ...own })
}

async function wellFormed(bench: Bench): Promise<void> {
  holds(bench.observations.frames > 0, 'frames of the server', 'none')
  const violation = [...bench.observations.of('4.4'), ...bench.observations.of('4.1')][0]
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
}

async function tenMalformed(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const bad = bench.encoding === 'json' ? '{' : Buffer.from([0xc1])
  for (let round = 0; round < 2; round++) {
    peer.sendRaw(...Array.from({ length: 9 }, () => bad))
    for (let n = 0; n < 9; n++) like('an answer to a malformed frame', await peer.fault(), { code: 'bad_request' })
    await peer.settled()
  }
  peer.sendRaw(...Array.from({ length: 10 }, () => bad))
  await peer.closedWith(4000)
}

async function unknownTypes(bench: Bench): Promise<void> {
  const peer = await bench.user()
  for (let n = 0; n < 12; n++) await peer.refused({ type: `later-${n}`, room: 7 }, 'bad_request')
  peer.send({ type: 'later' })
  like('an answer to an unknown type without an id', await peer.fault(), { code: 'bad_request' })
  await peer.settled()
  if (peer.frames.some(({ code }) => code === 'rate_limited')) throw new NotRun('the rate is too low to tell')
}

async function keptFree(bench: Bench): Promise<void> {
  const peer = await bench.user()
  await peer.refused({ type: 'update', room: bench.room(), info: {} }, 'bad_request')
}

/** Checks of chapter 4. */
export const FRAME_CHECKS: readonly Check[] = [
  { clauses: ['4.1'], name: 'a message of the other kind closes with 1003', run: otherKind },
  { clauses: ['4.1', '4.4'], name: 'every frame that came was one well-formed frame', last: true, run: wellFormed },
  { clauses: ['4.2'], name: 'of equal keys the last counts', encodings: 'json', run: equalKeys },
  { clauses: ['4.3'], name: 'well-formed frames of the vectors are not malformed', run: acceptedVectors },
  {
    clauses: ['4.3', '5.2'],
    name: 'each request of the first release is answered with `ok`',
    run: answersHaveTheirFields,
  },
  { clauses: ['4.4', '7.8'], name: 'a message carries its target, its origin and its payload', run: messageFields },
  { clauses: ['4.5', '8.5'], name: 'fields are accepted within their bounds and refused beyond', run: bounds },
  {
    clauses: ['4.6', '8.4'],
    name: 'malformed frames of the vectors are answered `bad_request`',
    run: refusedVectors('malformed'),
  },
  { clauses: ['4.6'], name: 'ten malformed frames in a row close with 4000', run: tenMalformed },
  { clauses: ['4.7'], name: 'unknown types are answered and do not count', run: unknownTypes },
  { clauses: ['4.7'], name: 'unknown types of the vectors are answered `bad_request`', run: refusedVectors('unknown') },
  { clauses: ['17.4'], name: '`update` is kept free', run: keptFree },
]
