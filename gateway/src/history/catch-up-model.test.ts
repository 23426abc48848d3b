import fc from 'fast-check'
import { expect, test } from 'vitest'
import { followedRoom } from '../../../test/harness/followed-room.ts'
import { Witness } from '../../../test/harness/history-fakes.ts'

const step = fc.record({
  kind: fc.constantFrom(
    'publish',
    'publish',
    'publish',
    'publish',
    'lose',
    'check',
    'others',
    'age',
    'recreate',
    'none',
  ),
  count: fc.integer({ min: 1, max: 5 }),
})

test('in any course between all its steps a client gets each message once and in order, or is told; recovered is whole', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40, size: 'max' }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 6 }),
      fc.boolean(),
      fc.boolean(),
      async (steps, offset, last, withTime, pacedOne) => {
        const { stream, check, publish, lose, log, joiner, join, since } = followedRoom({ messagesPerSubject: 14 })
        stream.ageMs = 500
        lose(6)
        stream.others(3)
        lose(11)
        check()
        publish(10)
        const script = steps[Symbol.iterator]()
        let epochs = 1
        const next = (): void => {
          const { kind, count } = script.next().value ?? { kind: 'none', count: 0 }
          if (kind === 'publish') publish(count)
          else if (kind === 'lose') lose(count)
          else if (kind === 'check') check()
          else if (kind === 'others') stream.others(count)
          else if (kind === 'age') {
            // Checks come more often than messages expire: one that was lost on the way and then expired leaves no trace.
            check()
            if (log.phase === 'following') stream.age(count * 100)
          } else if (kind === 'recreate' && count === 1) {
            stream.recreate(`e${++epochs}`)
            check()
          }
        }
        stream.meanwhile = next
        const time = stream.ever.get('e1')?.find(({ place }) => place.offset === offset)?.place.time ?? 1000 + offset
        const witness = new Witness(stream, 'e1', offset)
        const one = joiner({ witness, paced: next, ...(pacedOne ? { room: () => false } : {}) })
        const before = log.end.offset
        const result = await join(one, { ...since(offset, withTime ? time : undefined), last })
        if (result === null) throw new Error('it was there')
        witness.ok(result.end.offset)
        expect(result.recovered).toBe(witness.gaps.length === 0)
        expect(result.epoch).toBe(witness.epoch)
        // And everything that comes later, live.
        stream.meanwhile = () => undefined
        for (const _ of steps) next()
        check()
        publish(2)
        for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setImmediate(resolve))
        if (offset <= before) expect(witness.broken).toEqual([])
        expect(witness.unseen()).toEqual([])
        expect([witness.epoch, witness.position]).toEqual([stream.epoch, stream.last?.offset ?? witness.position])
      },
    ),
    { numRuns: 300 },
  )
})
