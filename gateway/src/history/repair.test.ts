import type { RoomName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../../test/harness/eventually.ts'
import { FakeStream, storedAt } from '../../../test/harness/history-fakes.ts'
import { settled } from '../../../test/harness/request-fakes.ts'
import { createLog, type Gap, type Log } from './log.ts'
import { createRepair } from './repair.ts'
import { createRing } from './ring.ts'

/** A log over a stream, with its repair. */
function build({ messagesPerSubject = 1000 } = {}) {
  const stream = new FakeStream()
  stream.messagesPerSubject = messagesPerSubject
  const told: (number | Gap)[] = []
  const results: string[] = []
  const checked: Log[] = []
  const rolledBack: Log[] = []
  const repair = createRepair({
    reads: stream.reads,
    check: (log) => checked.push(log),
    rolledBack: (log) => rolledBack.push(log),
    onRepaired: (result) => results.push(result),
    onRetry: () => results.push('retried'),
  })
  const log: Log = createLog({
    about: { kind: 'room', name: 'a' as RoomName },
    subject: 'pub.a',
    stream: 'S',
    ring: createRing({ messagesMax: 50, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax: 10,
    onMessage: ({ frames }) => told.push(frames.message.place.offset),
    onGap: (gap) => told.push(gap),
    onMissing: repair,
    onDoubt: (_, why) => why === 'rollback' && told.push(Number.NaN),
  })
  return {
    stream,
    log,
    told,
    results,
    checked,
    rolledBack,
    check: () => log.checked(stream.epoch, { offset: stream.sequence, time: stream.now }, stream.last),
    lose(count: number): void {
      for (let n = 0; n < count; n++) stream.publish()
    },
    hear: () => log.receive(stream.publish()),
  }
}

describe('what is missing', () => {
  test('is read page by page, before what waits', async () => {
    const { log, check, lose, hear, told, results, stream } = build()
    hear()
    check()
    lose(10)
    hear()
    hear()
    await eventually(() => told).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    expect([results, log.phase]).toEqual([['repaired'], 'following'])
    expect(stream.asked.filter((read) => read.startsWith('forward'))).toEqual([
      'forward 1 11',
      'forward 4 11',
      'forward 7 11',
      'forward 10 11',
    ])
  })

  test('is read also where a check alone has told of it', async () => {
    const { check, lose, told } = build()
    check()
    lose(3)
    check()
    await eventually(() => told).toEqual([1, 2, 3])
  })

  test('is read again where a read failed', async () => {
    const { stream, check, lose, told, results } = build()
    check()
    lose(3)
    let fails = 1
    stream.meanwhile = () => {
      if (fails-- > 0) throw new Error('away')
    }
    check()
    await eventually(() => told).toEqual([1, 2, 3])
    expect(results).toEqual(['retried', 'repaired'])
  })

  test('and is no longer kept is told as a gap, and live ones go on', async () => {
    const { stream, check, lose, hear, told, results, log } = build({ messagesPerSubject: 5 })
    stream.others()
    hear()
    check()
    lose(9)
    hear()
    await eventually(() => log.phase).toBe('following')
    expect(results).toEqual(['lost'])
    const [gap, ...rest] = told as [Gap, ...number[]]
    expect(gap).toMatchObject({ reason: 'lost', from: 2, epoch: 'e1' })
    expect(rest).toEqual([11, 12].filter((offset) => offset > gap.position.offset))
    expect(gap.position.offset).toBeGreaterThanOrEqual(7)
  })

  test('case 22: and was purged is no loss, and asked for once', async () => {
    const { stream, check, lose, told, results, log } = build()
    check()
    lose(3)
    const copy = stream.publish()
    stream.purge()
    log.receive(copy)
    await eventually(() => told).toEqual([4])
    expect([results, log.phase]).toEqual([['repaired'], 'following'])
    // Members stand before the first, and are not told of it.
    expect(log.ring.entries[0]?.frames.message.place.prev).toBe(0)
    expect(stream.asked.filter((read) => read.startsWith('forward'))).toHaveLength(1)
  })

  test('lies behind a late copy of it, which is no newer message', async () => {
    const { stream, check, lose, told, log } = build({ messagesPerSubject: 3 })
    stream.others()
    check()
    lose(8)
    const late = stream.publish()
    check()
    log.receive(late)
    await eventually(() => log.phase).toBe('following')
    expect(told.filter(Number.isNaN)).toEqual([])
    log.receive(late)
    expect(log.phase).toBe('following')
  })

  test('and has expired altogether is told as a gap, and a late copy of it is no newer message', async () => {
    const { stream, check, lose, hear, told, results, log } = build()
    stream.ageMs = 100
    stream.others()
    check()
    lose(3)
    const late = stream.publish()
    const { last } = stream
    stream.age(1000)
    log.checked('e1', { offset: 5, time: stream.now }, last)
    await eventually(() => results).toEqual(['lost'])
    log.receive(late)
    hear()
    expect([log.phase, told]).toMatchObject(['following', [{ reason: 'lost', from: 1, position: { offset: 5 } }, 6]])
  })

  test('in a stream that is another one by now is left to a check', async () => {
    const { stream, check, lose, hear, told, checked, log } = build()
    check()
    lose(3)
    stream.meanwhile = () => {
      stream.meanwhile = () => undefined
      stream.recreate('e2')
    }
    hear()
    await eventually(() => checked).toEqual([log])
    expect([log.phase, told]).toEqual(['unknown', []])
    check()
    expect([log.phase, told]).toMatchObject(['following', [{ reason: 'epoch', epoch: 'e2' }]])
  })

  test('where another message stands in the place of one that was delivered is no loss but a rollback, and nothing of it is delivered', async () => {
    const { stream, check, lose, hear, told, results, rolledBack, log } = build()
    hear()
    check()
    expect(log.position.offset).toBe(1)
    stream.recreate('e1')
    lose(3)
    hear()
    await eventually(() => rolledBack).toEqual([log])
    expect([log.phase, told, results]).toEqual(['unknown', [], []])
  })

  test('of a log that has begun anew meanwhile is not given to it', async () => {
    const { stream, check, lose, hear, told, results, log } = build()
    check()
    lose(3)
    stream.meanwhile = () => {
      stream.meanwhile = () => undefined
      // Under the same epoch: routers were away when the stream had lost its end.
      log.begin('e1', { offset: 1, time: 5000 }, null)
    }
    hear()
    await eventually(() => stream.asked.length).toBeGreaterThan(0)
    for (let turns = 0; turns < 20; turns++) await settled()
    expect(told.filter((one) => typeof one === 'number')).toEqual([])
    expect([results, log.position.offset]).toEqual([[], 1])
  })

  test('of a log that was closed meanwhile is not given to it', async () => {
    const { stream, check, lose, hear, told, results, log } = build()
    check()
    lose(3)
    stream.meanwhile = () => {
      log.closed = true
    }
    hear()
    await eventually(() => stream.asked.length).toBeGreaterThan(0)
    for (let turns = 0; turns < 20; turns++) await settled()
    expect([told, results]).toEqual([[], []])
  })
})

test('the first message that is read has what was held before it, whatever the read says', async () => {
  const { check, lose, hear, log } = build()
  hear()
  check()
  lose(2)
  hear()
  await eventually(() => log.position.offset).toBe(4)
  expect(log.ring.entries.map(({ frames }) => frames.message.place.prev)).toEqual([1, 2, 3])
  expect(log.ring.entries[0]?.frames.message).toMatchObject({ place: storedAt(2, 1).place })
})
