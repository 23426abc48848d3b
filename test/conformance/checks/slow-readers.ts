// Readers that are too slow, of chapter 10: closed, or told what was dropped, as their namespace says. Each check floods a room with what
// the kernels of both ends hold and more.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like, NotRun, oneOf } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'
import { OPCODE, type Wire, wireFrame } from '../wire.ts'
import { contiguous } from './history.ts'

/** Bytes that the kernels of both ends may hold before a slow reader is felt. */
const FLOOD_BYTES = 48 * 1024 * 1024

/** A member that has stopped reading, one that reads, and what was published to both. */
interface Flooded {
  readonly slow: Wire
  readonly healthy: Peer
  readonly joined: Frame
  readonly messages: number
}

function ask(wire: Wire, frame: object): void {
  wire.write(wireFrame({ opcode: OPCODE.text, payload: JSON.stringify(frame) }))
}

/** Who does not read sees no pings; a pong that nobody asked for ends its silence as well [P-11.1]. */
function stayAwake(wire: Wire): void {
  wire.write(wireFrame({ opcode: OPCODE.pong }))
}

async function flood(bench: Bench, room: string, fieldsOf: (n: number) => object): Promise<Flooded> {
  const slow = await bench.wire()
  ask(slow, { type: 'join', room, id: 1 })
  await slow.until('an answer to `join`', bench.target.answerMs, () => (slow.texts.length > 1 ? true : null))
  const joined = JSON.parse(slow.texts[1] as string) as Frame
  slow.socket.pause()
  const healthy = await (await bench.user()).join(room)
  const size = Math.min(bench.limit('frameBytesMax'), bench.limit('payloadBytesMax')) - 1024
  const each = Math.min(bench.limit('publishBurst'), 200)
  const publishers = Math.ceil((FLOOD_BYTES + bench.limit('queueBytesMax')) / (size * each))
  if (publishers > 40) throw new NotRun('limits are too small to make a reader slow')
  const data = 'x'.repeat(size)
  for (let n = 0; n < publishers; n++) {
    await using publisher = await bench.user()
    for (let id = 1; id <= each; id++) {
      await publisher.ok({ type: 'publish', room, data, ...fieldsOf(id) })
      if (id % 25 === 0) stayAwake(slow)
    }
    await healthy.settled()
  }
  const messages = publishers * each
  holds(healthy.dataOf(room).length === messages, `${messages} messages at others`, healthy.dataOf(room).length)
  healthy.stillOpen()
  slow.socket.resume()
  return { slow, healthy, joined, messages }
}

async function closed(bench: Bench): Promise<void> {
  const { slow, messages } = await flood(bench, bench.room(), () => ({}))
  // The close frame may be lost behind what the kernel still holds.
  oneOf('the code of the close', await slow.closeCode(bench.target.answerMs * 2), [4008, 1006])
  holds(slow.texts.length < messages, 'what waited to be dropped', slow.texts.length)
}

async function told(bench: Bench): Promise<void> {
  const room = bench.room('drop')
  const { slow, joined, messages } = await flood(bench, room, (n) => (n % 2 === 0 ? { ephemeral: true } : {}))
  const frames: Frame[] = []
  let [at, accounted] = [0, 0]
  await slow.until('every message, or that it was missed', bench.target.answerMs * 4, () => {
    stayAwake(slow)
    for (; at < slow.frames.length; at++) {
      const { opcode, payload } = slow.frames[at] as (typeof slow.frames)[number]
      if (opcode !== OPCODE.text) continue
      const frame = JSON.parse(payload.toString()) as Frame
      if (frame.type !== 'message' && frame.type !== 'gap') continue
      frames.push(frame)
      accounted += frame.type === 'gap' ? Number(frame.missed) : 1
    }
    return accounted === messages ? true : null
  })
  const gaps = frames.filter(({ type }) => type === 'gap')
  holds(gaps.length > 0, 'a `gap` for what was dropped', frames.length)
  let held = joined.offset
  for (const frame of frames) {
    if (frame.type === 'gap') {
      like('a `gap` of a slow reader', frame, { room, reason: 'slow' })
      if (frame.offset === undefined) continue
      like('its position', frame, { from: held, to: frame.offset, epoch: joined.epoch })
    } else if (frame.offset === undefined) continue
    else contiguous([frame], Number(held))
    held = frame.offset
  }
  const first = gaps.find(({ offset }) => offset !== undefined) as Frame
  ask(slow, { type: 'leave', room, id: 2 })
  ask(slow, { type: 'join', room, id: 3, since: { epoch: first.epoch, offset: first.from } })
  const count = slow.texts.length
  const answer = await slow.until('an answer to the second join', bench.target.answerMs * 2, () => {
    const text = slow.texts.slice(count).find((one) => one.includes('"id":3'))
    return text === undefined ? null : (JSON.parse(text) as Frame)
  })
  like('a join with the position before what was dropped', answer, { type: 'ok', recovered: true })
  const again = slow.texts.slice(count).map((text) => JSON.parse(text) as Frame)
  contiguous(
    again.filter(({ type }) => type === 'message'),
    Number(first.from),
  )
  equal('its end', again.findLast(({ type }) => type === 'message')?.offset, answer.offset)
}

/** Checks of slow readers. */
export const SLOW_READER_CHECKS: readonly Check[] = [
  {
    clauses: ['10.3', '10.1'],
    name: 'a slow reader is closed, others are not',
    encodings: 'once',
    slow: true,
    run: closed,
  },
  {
    clauses: ['10.4', '10.5', '10.6', '16.8'],
    name: 'a slow reader of a namespace that drops is told what it has missed, and may have it again',
    encodings: 'once',
    slow: true,
    run: told,
  },
]
