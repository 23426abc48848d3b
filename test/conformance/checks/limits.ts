// Chapters 10 to 12: what `welcome` says of limits, connections of one user, silence, and closes.
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like, NotRun } from '../expectation.ts'
import type { Peer } from '../peer.ts'
import { OPCODE, type Wire, wireFrame } from '../wire.ts'

const LIMITS = [
  'frameBytesMax',
  'nameBytesMax',
  'roomsMax',
  'requestsInFlightMax',
  'publishesPerSecond',
  'publishBurst',
  'requestsPerSecond',
  'queueBytesMax',
  'payloadBytesMax',
  'heartbeatMs',
  'silenceMs',
]

/** Silence that a check is ready to wait for. */
const SILENCE_MS_MAX = 120_000
const FRAGMENTS = 20_000
const PING = '{"id":1,"type":"ping"}'

async function told(bench: Bench): Promise<void> {
  for (const name of LIMITS) holds(bench.limit(name) > 0, `the limit ${name} to be above 0`, bench.limit(name))
  equal('`heartbeatMs` of `welcome`', bench.offer.welcome.heartbeatMs, bench.limit('heartbeatMs'))
}

async function userConnections(bench: Bench): Promise<void> {
  const { userConnectionsMax, answerMs } = bench.target
  const name = bench.name('many')
  const peers: Peer[] = []
  for (let n = 0; n <= userConnectionsMax; n++) {
    const peer = bench.start({ token: await bench.token(name) })
    await peer.opened()
    peers.push(peer)
  }
  const endsAt = performance.now() + answerMs
  while (peers.every(({ close }) => close === null) && performance.now() < endsAt) await pause(20)
  await pause(200)
  const closes = peers.flatMap(({ close }) => close ?? [])
  equal(
    `the closes among ${peers.length} connections of one user`,
    closes.map(({ code }) => code),
    [4030],
  )
}

async function heartbeat(bench: Bench): Promise<void> {
  const [heartbeatMs, silenceMs] = [bench.limit('heartbeatMs'), bench.limit('silenceMs')]
  if (silenceMs > SILENCE_MS_MAX) throw new NotRun(`a silence of ${silenceMs} ms is too long to wait for`)
  const dead = await bench.wire()
  const alive = await bench.user()
  const since = performance.now()
  const code = await dead.closeCode(silenceMs + heartbeatMs + bench.target.answerMs)
  const after = performance.now() - since
  equal('the code of the close', code, 4009)
  holds(after > silenceMs * 0.7, `no close before ${silenceMs} ms of silence`, `${Math.round(after)} ms`)
  holds(
    dead.frames.some(({ opcode }) => opcode === OPCODE.ping),
    'a WebSocket ping before the close',
    dead.frames.length,
  )
  holds(alive.pings.length > 0, 'a WebSocket ping to a silent client', 'none')
  alive.stillOpen()
  await alive.settled()
}

async function ownPings(bench: Bench): Promise<void> {
  const wire = await bench.wire()
  wire.write(wireFrame({ opcode: OPCODE.ping, payload: 'are you there' }))
  const pong = await wire.until('a WebSocket pong', bench.target.answerMs, () => {
    return wire.frames.find(({ opcode }) => opcode === OPCODE.pong) ?? null
  })
  equal('the payload of the pong', pong.payload.toString(), 'are you there')
}

async function byTheWebSocket(bench: Bench): Promise<void> {
  const invalid = Buffer.from([0x22, 0xff, 0x22])
  const cases: readonly [string, number, Buffer][] = [
    ['a frame without a mask', 1002, wireFrame({ opcode: OPCODE.text, payload: PING, masked: false })],
    ['a reserved bit', 1002, wireFrame({ opcode: OPCODE.text, payload: PING, reserved: 4 })],
    ['a reserved opcode', 1002, wireFrame({ opcode: 3, payload: PING })],
    ['a part that continues nothing', 1002, wireFrame({ opcode: OPCODE.continuation, payload: PING })],
    ['a ping in parts', 1002, wireFrame({ opcode: OPCODE.ping, fin: false })],
    ['a close of one byte', 1002, wireFrame({ opcode: OPCODE.close, payload: Buffer.from([3]) })],
    ['text that is no UTF-8', 1007, wireFrame({ opcode: OPCODE.text, payload: invalid })],
    ['a claim of 4 GiB', 1009, wireFrame({ opcode: OPCODE.text, length: 2 ** 32, payload: 'x' })],
  ]
  for (const [what, code, bytes] of cases) {
    const wire = await bench.wire()
    wire.write(bytes)
    equal(`the close for ${what}`, await wire.closeCode(bench.target.answerMs), code)
  }
}

async function fragments(bench: Bench): Promise<void> {
  const whole = await bench.wire()
  for (const [at, char] of [...PING].entries()) {
    const opcode = at === 0 ? OPCODE.text : OPCODE.continuation
    whole.write(wireFrame({ opcode, payload: char, fin: at === PING.length - 1 }))
  }
  await whole.until('an answer to a message in parts', bench.target.answerMs, () => answered(whole))
  const endless = await bench.wire()
  const part = wireFrame({ opcode: OPCODE.continuation, fin: false })
  endless.write(wireFrame({ opcode: OPCODE.text, payload: '{', fin: false }))
  endless.write(Buffer.concat(Array.from({ length: FRAGMENTS }, () => part)))
  equal(`the close for ${FRAGMENTS} fragments`, await endless.closeCode(bench.target.answerMs), 1008)
}

function answered(wire: Wire): true | null {
  return wire.texts.some((text) => text.includes('"pong"')) ? true : null
}

async function asAsked(bench: Bench): Promise<void> {
  const peer = await bench.user()
  peer.socket.close(1000)
  equal('the answer to a close', (await peer.closed()).code, 1000)
}

async function reasons(bench: Bench): Promise<void> {
  const wire = await bench.wire()
  for (let n = 0; n < 10; n++) wire.write(wireFrame({ opcode: OPCODE.text, payload: '{' }))
  equal('the code of the close', await wire.closeCode(bench.target.answerMs), 4000)
  const close = wire.frames.find(({ opcode }) => opcode === OPCODE.close)?.payload ?? Buffer.alloc(0)
  const reason = close.subarray(2).toString()
  if (reason.includes('\ufffd')) throw new Broken('a reason in UTF-8', reason)
  like('the answer of a new connection', await (await bench.user()).request({ type: 'ping' }), { type: 'pong' })
}

/** Checks of chapters 10 to 12. */
export const LIMIT_CHECKS: readonly Check[] = [
  { clauses: ['10.1'], name: '`welcome` tells every limit', run: told },
  { clauses: ['10.2', '3.3'], name: 'a user has so many connections', encodings: 'once', run: userConnections },
  { clauses: ['11.1', '10.1'], name: 'silence is pinged, then closed', encodings: 'once', slow: true, run: heartbeat },
  { clauses: ['11.1'], name: 'a client’s own pings are answered', encodings: 'once', run: ownPings },
  { clauses: ['12.1'], name: 'what breaks the WebSocket closes with its code', encodings: 'once', run: byTheWebSocket },
  {
    clauses: ['12.1'],
    name: 'a message may come in parts, but not in endless ones',
    encodings: 'once',
    run: fragments,
  },
  { clauses: ['12.1'], name: 'a close is answered', encodings: 'once', run: asAsked },
  { clauses: ['12.1'], name: 'a close has a code and a reason for people', encodings: 'once', run: reasons },
]
