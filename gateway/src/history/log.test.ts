import { setImmediate as turn } from 'node:timers/promises'
import type { RoomName } from '@sluice/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FakeStream, storedAt, Witness } from '../../../test/harness/history-fakes.ts'
import type { StoredInbound } from '../backplane/inbound.ts'
import { createChecks } from './checks.ts'
import { createLog, type Gap, type Log } from './log.ts'
import { createRepair } from './repair.ts'
import { createRing } from './ring.ts'

const at = (offset: number, time = 1000 + offset) => ({ offset, time })

const RUNS = 300

/** A log that notes what it tells its members and what it asks for. */
function build({ waitingMax = 100 } = {}) {
  const told: (number | Gap)[] = []
  const asked: string[] = []
  const log = createLog({
    about: { kind: 'room', name: 'a' as RoomName },
    subject: 'pub.a',
    stream: 'S',
    ring: createRing({ messagesMax: 10, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax,
    onMessage: ({ frames }) => told.push(frames.message.place.offset),
    onGap: (gap) => told.push(gap),
    onMissing: (_, upTo) => asked.push(`missing ${upTo}`),
    onDoubt: (_, why) => asked.push(why),
  })
  return { log, told, asked, receive: (offset: number, prev: number) => log.receive(storedAt(offset, prev)) }
}

describe('a log', () => {
  test('lets copies wait until it is known where the room stands, and drops those that lie before', () => {
    const { log, told, receive } = build()
    receive(3, 2)
    receive(5, 3)
    receive(9, 5)
    expect([log.phase, told]).toEqual(['unknown', []])
    log.checked('e', at(8), at(5))
    expect([log.phase, told]).toEqual(['following', [9]])
    expect([log.epoch, log.position, log.end, log.lastMessage]).toEqual(['e', at(9), at(9), 9])
  })

  test('begins at the end of the stream where nothing of the room is kept', () => {
    const { log } = build()
    log.checked('e', at(7), null)
    expect([log.position, log.end, log.lastMessage]).toEqual([at(7), at(7), 0])
  })

  test('says that it stands at the end of the stream where a check finds nothing missing', () => {
    const { log } = build()
    log.checked('e', at(7), at(5))
    expect([log.position, log.end]).toEqual([at(5), at(7)])
    log.checked('e', at(20), at(5))
    expect([log.position, log.end]).toEqual([at(5), at(20)])
  })

  test('takes a late copy for what it is although the leader that stored it had a clock ahead of the next one’s', () => {
    const { log, told, asked } = build()
    const ahead = (offset: number) =>
      storedAt(offset, offset - 1, { place: { offset, prev: offset - 1, time: 60_000 + offset } })
    for (const offset of [4, 5]) log.receive(ahead(offset))
    log.checked('e', at(6), at(6))
    expect([log.phase, asked]).toEqual(['following', []])
    log.receive(ahead(7))
    log.receive(storedAt(8, 7))
    log.receive(ahead(7))
    expect([log.phase, told, asked]).toEqual(['following', [7, 8], []])
    // Another message at an offset that we hold is what a lost end looks like.
    log.receive(storedAt(7, 6, { place: { offset: 7, prev: 6, time: 90_000 } }))
    expect([log.phase, asked]).toEqual(['unknown', ['rollback']])
  })

  test('passes on what follows, and no copy twice; an older prev is no gap', () => {
    const { log, told, asked, receive } = build()
    log.checked('e', at(5), at(5))
    receive(6, 5)
    receive(6, 5)
    receive(5, 0)
    receive(9, 0)
    receive(10, 4)
    expect([told, asked]).toEqual([[6, 9, 10], []])
  })

  test('holds back what comes behind a hole until that is read, whose first prev is what it held', () => {
    const { log, told, asked, receive } = build()
    log.checked('e', at(5), at(5))
    receive(9, 8)
    receive(10, 9)
    expect([log.phase, told, asked]).toEqual(['repairing', [], ['missing 8']])
    log.read([storedAt(5, 4), storedAt(7, 4), storedAt(8, 7), storedAt(9, 8)])
    expect(log.ring.entries.map(({ frames }) => frames.message.place.prev)).toEqual([5, 7, 8])
    log.resume()
    expect([log.phase, told, asked]).toEqual(['following', [7, 8, 9, 10], ['missing 8']])
  })

  test('looks for what a check finds missing, and tells who asks the end of the stream', () => {
    const { log, asked } = build()
    log.checked('e', at(5), at(5))
    log.checked('e', at(20), at(11))
    expect([log.phase, log.end, asked]).toEqual(['repairing', at(20), ['missing 11']])
  })

  test('looks further where a check has found more missing during a repair', () => {
    const { log, asked, receive } = build()
    log.checked('e', at(5), at(5))
    receive(9, 8)
    log.checked('e', at(30), at(25))
    expect([asked, log.end]).toEqual([['missing 8'], at(30)])
    log.read([storedAt(8, 5)])
    log.resume()
    expect([log.phase, asked]).toEqual(['repairing', ['missing 8', 'missing 25']])
    log.read([storedAt(25, 9)])
    log.resume()
    expect([log.phase, asked.length]).toEqual(['following', 2])
  })

  test('drops all that wait where they are too many, reads them later, and is checked', () => {
    const { log, told, asked, receive } = build({ waitingMax: 2 })
    log.checked('e', at(1), at(1))
    for (const offset of [3, 4, 5, 6, 7]) receive(offset, offset - 1)
    log.read([storedAt(2, 1)])
    log.resume()
    // 3, 4 and 5 were dropped; 6 and 7 wait behind them.
    expect([told, log.phase, asked]).toEqual([[2], 'repairing', ['missing 2', 'missing 5', 'overrun']])
  })

  test('begins anew under another epoch: members are told, and copies of what they were told are dropped', () => {
    const { log, told, receive } = build()
    log.checked('e', at(50), at(50))
    log.checked('f', at(9, 2000), at(7, 1990))
    expect(told).toEqual([{ reason: 'epoch', from: 50, epoch: 'f', position: at(9, 2000) }])
    log.receive(storedAt(7, 0, { place: { offset: 7, prev: 0, time: 1990 } }))
    receive(10, 7)
    expect([told.slice(1), log.era]).toEqual([[10], 2])
  })

  test('is in doubt where an older offset comes with a newer time, until it begins anew', () => {
    const { log, told, asked } = build()
    log.checked('e', at(50), at(50))
    log.receive(storedAt(3, 0, { place: { offset: 3, prev: 0, time: 5000 } }))
    expect([log.phase, asked, told]).toEqual(['unknown', ['rollback'], []])
    log.begin('f', at(3, 6000), at(3, 5000))
    expect([log.phase, told]).toEqual(['following', [{ reason: 'epoch', from: 50, epoch: 'f', position: at(3, 5000) }]])
  })

  test('tells what cannot be read any more, and goes on behind it', () => {
    const { log, told, receive } = build()
    log.checked('e', at(5), at(5))
    receive(20, 19)
    log.lose('lost', at(19))
    log.resume()
    expect(told).toEqual([{ reason: 'lost', from: 5, epoch: 'e', position: at(19) }, 20])
    expect(log.ring.from).toBe(19)
  })

  test('goes on behind what is known to be empty', () => {
    const { log, told, asked, receive } = build()
    log.checked('e', at(5), at(5))
    receive(9, 8)
    log.reach(at(8))
    log.resume()
    expect([told, asked]).toEqual([[9], ['missing 8']])
  })

  test('keeps no view of what a read of the socket has brought', () => {
    const { log, receive: _ } = build()
    const whole = Buffer.from('xx1xx')
    log.receive(storedAt(3, 0, { payload: whole.subarray(2, 3) }))
    whole.fill(0)
    log.checked('e', at(0), null)
    expect(Buffer.from(log.ring.entries[0]?.frames.message.payload ?? []).toString()).toBe('1')
  })
})

type Step =
  | { readonly kind: 'publish' | 'others' | 'deliver' | 'lose' | 'again' | 'turn'; readonly count: number }
  | { readonly kind: 'check' | 'evict' | 'purge' | 'recreate'; readonly count: number }

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('publish' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('others' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('deliver' as const), count: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('lose' as const, 'again' as const, 'check' as const),
      count: fc.nat(3),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('turn' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('evict' as const, 'purge' as const, 'recreate' as const),
      count: fc.nat(3),
    }),
  },
) as fc.Arbitrary<Step>

/** A log with its repair and its checks, over a stream whose copies a test delivers or loses; and a member from the first check on. */
async function follow() {
  const stream = new FakeStream()
  stream.messagesPerSubject = 12
  let witness: Witness | null = null
  const checks = createChecks({
    state: stream.state,
    lasts: stream.lasts,
    connects: () => 1,
    connected: () => true,
    nowMs: () => 0,
    claim: () => undefined,
    onFailure: (_, reason) => {
      throw reason
    },
  })
  const repair = createRepair({
    reads: stream.reads,
    check: (log) => void checks.check(log),
    rolledBack: (log) => checks.rolledBack(log),
    onRepaired: () => undefined,
    onRetry: (_, error) => {
      throw error
    },
  })
  const log: Log = createLog({
    about: { kind: 'room', name: 'a' as RoomName },
    subject: 'pub.a',
    stream: 'S',
    ring: createRing({ messagesMax: 5, bytesMax: 1e6, onBytes: () => undefined }),
    waitingMax: 6,
    onMessage: ({ frames }) => witness?.message(frames.message),
    onGap: (gap) => witness?.gap(gap),
    onMissing: repair,
    onDoubt: (log, why) => (why === 'rollback' ? checks.rolledBack(log) : void checks.check(log)),
  })
  await checks.check(log)
  witness = new Witness(stream, log.epoch ?? '', log.end.offset)
  return { stream, log, checks, witness }
}

test('in any course of copies, losses, checks, repairs and new streams members get each message once, in order, or a gap that covers it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { stream, log, checks, witness } = await follow()
      const wire: StoredInbound[] = []
      const delivered: StoredInbound[] = []
      const deliver = (): void => {
        const copy = wire.shift()
        if (copy === undefined) return
        delivered.push(copy)
        log.receive(copy)
      }
      let streams = 1
      for (const { kind, count } of steps) {
        if (kind === 'publish') for (let n = 0; n < count; n++) wire.push(stream.publish())
        else if (kind === 'others') stream.others(count)
        else if (kind === 'deliver') for (let n = 0; n < count; n++) deliver()
        else if (kind === 'lose') wire.splice(0, count)
        else if (kind === 'again') for (const copy of delivered.slice(-count)) log.receive(copy)
        else if (kind === 'check') void checks.check(log)
        else if (kind === 'turn') for (let n = 0; n < count; n++) await turn()
        else if (kind === 'evict') for (let n = 0; n < 10; n++) wire.push(stream.publish())
        else if (kind === 'purge') stream.purge()
        else {
          // Copies of a stream come before anything of its successor, or never.
          while (wire.length > 0) deliver()
          stream.recreate(`e${++streams}`, count === 0 ? stream.sequence : 0)
          // Nothing of another stream comes again.
          delivered.length = 0
        }
      }
      while (wire.length > 0) deliver()
      for (let n = 0; n < 3; n++) {
        await checks.check(log)
        for (let turns = 0; turns < 60; turns++) await turn()
      }
      expect(log.phase).toBe('following')
      expect(witness.epoch).toBe(stream.epoch)
      if (streams === 1) {
        expect(witness.broken).toEqual([])
        expect(witness.position).toBeGreaterThanOrEqual(stream.last?.offset ?? 0)
      }
      // Purged by hand is no loss that anyone is told of.
      const kept = new Set(stream.messages.map(({ place }) => place.offset))
      if (steps.every(({ kind }) => kind !== 'purge')) expect(witness.unseen()).toEqual([])
      else expect(witness.unseen().filter((offset) => kept.has(offset))).toEqual([])
    }),
    { numRuns: RUNS },
  )
})
