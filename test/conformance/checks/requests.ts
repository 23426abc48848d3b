// Chapter 5: ids, answers, their order, requests in flight, and rates.
import { setTimeout as pause } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like, NotRun } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'

/** Frames that a check of rates may send: with limits beyond that it would be a load test. */
const RATE_FRAMES_MAX = 2000
const REFUSALS_TO_CLOSE = 100
/** Frames beyond a full bucket: as many as may be refused without a close, so that a server which reads them late still finds some too many. */
const REFUSALS_TO_TELL = 95

async function twoIds(bench: Bench): Promise<void> {
  const peer = await bench.user()
  for (const id of [7, '7', 1, 2 ** 53 - 1, 'x'.repeat(32), ' ', 'é😀']) {
    like('the answer', await peer.request({ type: 'ping', id }), { type: 'pong', id })
  }
  const room = bench.room()
  peer.burst([
    { type: 'publish', room, data: 1, id: 7 },
    { type: 'publish', room, data: 1, id: '7' },
  ])
  for (const id of [7, '7'])
    like('the answer', await peer.next((frame) => frame.id === id, `an answer to ${id}`), { type: 'ok' })
}

async function oneAnswer(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  await peer.refused({ type: 'join', room }, 'already_joined')
  await peer.ok({ type: 'publish', room, data: 1 })
  await peer.settled()
  await bench.quiet(peer, 'second answer', ({ type, id }) => isAnswer(type) && answersTo(peer, id) > 1)
}

function answersTo(peer: Peer, id: unknown): number {
  return peer.frames.filter((frame) => isAnswer(frame.type) && frame.id === id).length
}

function isAnswer(type: string): boolean {
  return ['ok', 'error', 'pong'].includes(type)
}

async function withoutId(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  peer.send({ type: 'join', room })
  peer.send({ type: 'publish', room, data: 1 })
  like('the message', await peer.message(), { room })
  peer.send({ type: 'leave', room })
  await peer.settled()
  const answers = peer.frames.filter(({ type, id }) => ['ok', 'error'].includes(type) && !String(id).startsWith('r'))
  equal('answers to requests without an id', answers, [])
  peer.send({ type: 'join', room: 'no-such-namespace-here:x' })
  like('an answer to one that fails', await peer.fault(), { code: 'unknown_namespace' })
  peer.send({ type: 'ping' })
  like('the `pong`', await peer.next(({ type }) => type === 'pong', '`pong`'), { id: undefined })
}

async function noSecondAnswers(bench: Bench): Promise<void> {
  const violation = bench.observations.of('5.2')[0]
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
}

async function idsInFlight(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user()]
  for (let n = 0; n < 2; n++)
    like('an id that is free again', await peer.request({ type: 'publish', room, data: n, id: 1 }), { type: 'ok' })
  // One segment: a server that asks NATS for each cannot have answered the first when it reads the second.
  peer.burst(Array.from({ length: 4 }, (_, n) => ({ type: 'publish', room, data: n, id: 'same' })))
  await peer.closedWith(4000)
}

async function order(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room(), await bench.user({ grants: { send: ['*'] } })]
  const frames: object[] = []
  for (let round = 0; round < 6; round++) {
    frames.push({ type: 'join', room }, { type: 'publish', room, data: round }, { type: 'leave', room })
  }
  peer.burst(frames.map((frame, at) => ({ ...frame, id: at + 1 })))
  await peer.next(({ id }) => id === frames.length, 'an answer to the last request')
  equal(
    'the order of answers',
    idsOf(peer),
    frames.map((_, at) => at + 1),
  )
  const sender = await bench.user({ grants: { send: ['*'] } })
  const user = bench.name('x')
  sender.burst(Array.from({ length: 10 }, (_, at) => ({ type: 'send', user, data: at, id: at + 1 })))
  await sender.next(({ id }) => id === 10, 'an answer to the last request')
  equal('the order of answers to `send`', idsOf(sender), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
}

/** Numbers of requests in the order of their first answers. */
function idsOf(peer: Peer): unknown[] {
  const answers = peer.frames.filter(({ type, id }) => isAnswer(type) && typeof id === 'number')
  return [...new Set(answers.map(({ id }) => id))]
}

async function manyInFlight(bench: Bench): Promise<void> {
  const inFlightMax = bench.limit('requestsInFlightMax')
  const burst = bench.limit('publishBurst')
  const count = Math.min(burst, inFlightMax * 2, RATE_FRAMES_MAX)
  if (count <= inFlightMax) throw new NotRun('the rate allows fewer requests than may be in flight')
  const [room, peer] = [bench.room(), await bench.user()]
  await peer.join(room)
  peer.burst(Array.from({ length: count }, (_, at) => ({ type: 'publish', room, data: at, id: at + 1 })))
  await peer.next(({ id }) => id === count, 'an answer to the last request', bench.target.answerMs * 2)
  equal(
    'answers',
    idsOf(peer),
    Array.from({ length: count }, (_, at) => at + 1),
  )
  await peer.next(({ type, data }) => type === 'message' && data === count - 1, 'the last message')
  equal('the number of messages', peer.dataOf(room).length, count)
}

/** What each bucket holds and gains, and a frame that takes from it without asking NATS. */
async function publishRate(bench: Bench): Promise<void> {
  const [burst, perSecond] = [bench.limit('publishBurst'), bench.limit('publishesPerSecond')]
  if (burst > RATE_FRAMES_MAX / 4) throw new NotRun(`${burst} publishes at once are too many to try`)
  const [room, peer] = [bench.room(), await bench.user()]
  const count = burst + REFUSALS_TO_TELL
  peer.burst(Array.from({ length: count }, (_, at) => ({ type: 'publish', room, data: 0, id: at + 1 })))
  const answers: Frame[] = []
  for (let n = 1; n <= count; n++) answers.push(await peer.next(({ id }) => id === n, `an answer to publish ${n}`))
  const refused = answers.filter(({ code }) => code === 'rate_limited')
  const early = answers.slice(0, burst).filter(({ type }) => type !== 'ok')
  equal(`refusals among the first ${burst} publishes`, early, [])
  holds(refused.length > 0, `some of ${count} publishes at once to be \`rate_limited\``, 'none')
  const waits = refused.map(({ retryAfterMs }) => retryAfterMs)
  holds(
    waits.every((ms) => Number.isSafeInteger(ms) && Number(ms) > 0),
    '`retryAfterMs` above 0',
    waits[0],
  )
  // The other bucket has not been touched.
  await peer.ok({ type: 'join', room })
  await pause(Number(waits.at(-1)) + 1000 / perSecond)
  await peer.ok({ type: 'publish', room, data: 1 })
}

async function requestRate(bench: Bench): Promise<void> {
  const perSecond = bench.limit('requestsPerSecond')
  const burst = Math.max(perSecond, bench.limit('roomsMax'))
  if (burst > RATE_FRAMES_MAX / 4) throw new NotRun(`${burst} requests at once are too many to try`)
  const peer = await bench.user()
  const count = burst + REFUSALS_TO_TELL
  peer.burst(Array.from({ length: count }, (_, at) => ({ type: 'ping', id: at + 1 })))
  const answers: Frame[] = []
  for (let n = 1; n <= count; n++) answers.push(await peer.next(({ id }) => id === n, `an answer to request ${n}`))
  const refused = answers.filter(({ code }) => code === 'rate_limited').map(({ id }) => Number(id))
  equal(
    `refusals among the first ${burst} requests`,
    refused.filter((id) => id <= burst),
    [],
  )
  holds(refused.length > 0, `some of ${count} requests at once to be \`rate_limited\``, 'none')
  // The other bucket has not been touched.
  await peer.ok({ type: 'publish', room: bench.room(), data: 1 })
}

async function unknownTypesCost(bench: Bench): Promise<void> {
  const perSecond = bench.limit('requestsPerSecond')
  const burst = Math.max(perSecond, bench.limit('roomsMax'))
  if (burst > RATE_FRAMES_MAX / 4) throw new NotRun(`${burst} requests at once are too many to try`)
  const peer = await bench.user()
  const count = burst + REFUSALS_TO_TELL
  peer.burst(Array.from({ length: count }, (_, at) => ({ type: 'later', id: at + 1 })))
  for (let n = 1; n <= count; n++) await peer.next(({ id }) => id === n, `an answer to request ${n}`)
  const refused = peer.frames.filter(({ code }) => code === 'rate_limited').length
  holds(refused > 0, `some of ${count} unknown types at once to be \`rate_limited\``, 'none')
}

async function allRoomsAtOnce(bench: Bench): Promise<void> {
  const roomsMax = bench.limit('roomsMax')
  if (roomsMax > RATE_FRAMES_MAX) throw new NotRun(`${roomsMax} rooms are too many to try`)
  const [prefix, peer] = [bench.name('room'), await bench.user()]
  const rooms = Array.from({ length: roomsMax + 1 }, (_, at) => `${prefix}-${at}`)
  peer.burst(rooms.slice(0, roomsMax).map((room, at) => ({ type: 'join', room, id: at + 1 })))
  for (let n = 1; n <= roomsMax; n++) {
    const answer = await peer.next(({ id }) => id === n, `an answer to join ${n}`, bench.target.answerMs * 2)
    like(`the answer to join ${n} of ${roomsMax}`, answer, { type: 'ok' })
  }
  // The bucket is empty now; what it has gained since is enough for one.
  await pause(2000 / bench.limit('requestsPerSecond'))
  await peer.refused({ type: 'join', room: rooms[roomsMax] }, 'room_limit')
}

async function manyRefusals(bench: Bench): Promise<void> {
  const burst = Math.max(bench.limit('requestsPerSecond'), bench.limit('roomsMax'))
  if (burst > RATE_FRAMES_MAX / 4) throw new NotRun(`${burst} requests at once are too many to try`)
  const peer = await bench.user()
  const count = burst + REFUSALS_TO_CLOSE + bench.limit('requestsPerSecond') * 2
  peer.burst(Array.from({ length: count }, (_, at) => ({ type: 'ping', id: at + 1 })))
  await peer.closedWith(4029)
  const refused = peer.frames.filter(({ code }) => code === 'rate_limited').length
  holds(refused >= REFUSALS_TO_CLOSE - 1, `no close before ${REFUSALS_TO_CLOSE} refusals`, refused)
}

/** Checks of chapter 5. */
export const REQUEST_CHECKS: readonly Check[] = [
  { clauses: ['5.1', '11.3'], name: 'numbers and texts are different ids', run: twoIds },
  { clauses: ['5.2'], name: 'a request with an id gets one answer', run: oneAnswer },
  { clauses: ['5.2', '11.3'], name: 'a request without an id is answered only if it fails', run: withoutId },
  {
    clauses: ['5.2'],
    name: 'no socket of the run got an answer that it had not asked for',
    last: true,
    run: noSecondAnswers,
  },
  { clauses: ['5.3'], name: 'an id may be used again, but not while it is in flight', run: idsInFlight },
  { clauses: ['5.4'], name: 'answers about one room, and those to `send`, keep the order of requests', run: order },
  { clauses: ['5.5'], name: 'more requests than may be in flight are all answered', run: manyInFlight },
  {
    clauses: ['5.6', '10.1'],
    name: 'publishes are bounded by a bucket of their own',
    encodings: 'once',
    run: publishRate,
  },
  { clauses: ['5.6'], name: 'unknown types take from the second bucket', encodings: 'once', run: unknownTypesCost },
  {
    clauses: ['5.6', '10.1'],
    name: 'every other frame takes from the second bucket',
    encodings: 'once',
    run: requestRate,
  },
  {
    clauses: ['5.6', '6.3', '10.1'],
    name: 'all rooms can be joined at once, and no more',
    encodings: 'once',
    run: allRoomsAtOnce,
  },
  { clauses: ['5.6'], name: 'a hundred refusals close with 4029', encodings: 'once', run: manyRefusals },
]
