import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLanes, Later } from './lanes.ts'

/** Lanes that note what happens, and requests that are answered when the test says so. */
function build() {
  const lanes = createLanes<string>()
  const log: string[] = []
  const open = new Map<string, (answer: string) => void>()
  /** Requests that have been answered, as their answers were given. */
  const answered = new Set<string>()
  return {
    lanes,
    log,
    answered,
    request(key: string, name: string, { exclusive = false, sync = false } = {}): void {
      const start = (): string | Promise<string> => {
        log.push(`start ${name}`)
        return sync ? name : new Promise((resolve) => open.set(name, resolve))
      }
      lanes.run(key, exclusive, start, (answer) => log.push(`emit ${answer}`))
    },
    async answer(name: string): Promise<void> {
      open.get(name)?.(name)
      if (open.delete(name)) answered.add(name)
      // Two microtasks: the promise of the answer, and what waits for it.
      await Promise.resolve()
      await Promise.resolve()
    },
  }
}

describe('a request in a lane', () => {
  test('that answers at once is answered before anything else happens', () => {
    const { request, log } = build()
    request('a', '1', { sync: true })
    expect(log).toEqual(['start 1', 'emit 1'])
  })

  test('starts at once beside one that is under way, and is answered after it', async () => {
    const { request, answer, log } = build()
    request('a', '1')
    request('a', '2')
    expect(log).toEqual(['start 1', 'start 2'])
    await answer('2')
    expect(log).toEqual(['start 1', 'start 2'])
    await answer('1')
    expect(log).toEqual(['start 1', 'start 2', 'emit 1', 'emit 2'])
  })

  test('that answers at once still waits for its turn', async () => {
    const { request, answer, log } = build()
    request('a', '1')
    request('a', '2', { sync: true })
    expect(log).toEqual(['start 1', 'start 2'])
    await answer('1')
    expect(log).toEqual(['start 1', 'start 2', 'emit 1', 'emit 2'])
  })

  test('behind an exclusive one starts when that is answered, and an exclusive one when all before it are', async () => {
    const { request, answer, log } = build()
    request('a', '1', { exclusive: true })
    request('a', '2')
    request('a', '3', { exclusive: true, sync: true })
    request('a', '4')
    expect(log).toEqual(['start 1'])
    await answer('1')
    expect(log).toEqual(['start 1', 'start 2', 'emit 1'])
    await answer('2')
    expect(log.slice(3)).toEqual(['emit 2', 'start 3', 'start 4', 'emit 3'])
    await answer('4')
    expect(log.slice(7)).toEqual(['emit 4'])
  })

  test('of another key waits for nothing', async () => {
    const { request, answer, log } = build()
    request('a', '1', { exclusive: true })
    request('b', '2')
    await answer('2')
    expect(log).toEqual(['start 1', 'start 2', 'emit 2'])
  })

  test('that an answer brings about, in the same lane, is run after it and without recursion', async () => {
    const { lanes, log, request, answer } = build()
    let left = 20_000
    const next = (): void => {
      if (left-- > 0) lanes.run('a', false, () => 'more', next)
      else log.push('done')
    }
    request('a', '1')
    lanes.run('a', false, () => 'more', next)
    await answer('1')
    expect(log).toEqual(['start 1', 'emit 1', 'done'])
  })
})

describe('an answer that is given later', () => {
  /** Two requests, of which the second is answered from within whatever brings its answer. */
  function two() {
    const built = build()
    const later = new Later<string>()
    return {
      ...built,
      later,
      start: () =>
        built.lanes.run(
          'a',
          false,
          () => later,
          (answer) => built.log.push(`emit ${answer}`),
        ),
    }
  }

  test('is emitted from within, before anything else happens, where nothing waits before it', () => {
    const { later, start, log } = two()
    start()
    expect(later.settle('1')).toBe(true)
    expect(log).toEqual(['emit 1'])
  })

  test('says that it was not emitted where something before it waits, and is then emitted in its turn', async () => {
    const { later, start, log, request, answer } = two()
    request('a', '1')
    start()
    expect(later.settle('2')).toBe(false)
    expect(log).toEqual(['start 1'])
    await answer('1')
    expect(log).toEqual(['start 1', 'emit 1', 'emit 2'])
  })

  test.each([true, false])(
    'may follow a promise, as where a service was asked first (settled before: %s)',
    async (early) => {
      const { lanes, log, request } = build()
      const later = new Later<string>()
      if (early) later.settle('1')
      lanes.run(
        'a',
        false,
        async () => later,
        (answer) => log.push(`emit ${answer}`),
      )
      request('a', '2', { sync: true })
      await Promise.resolve()
      expect(log).toEqual(early ? ['start 2', 'emit 1', 'emit 2'] : ['start 2'])
      if (!early) expect(later.settle('1')).toBe(true)
      expect(log).toEqual(['start 2', 'emit 1', 'emit 2'])
    },
  )

  test('in a lane of its own waits for no other', async () => {
    const { lanes, log } = build()
    for (const name of ['1', '2']) {
      lanes.run(
        Symbol('own'),
        false,
        () => (name === '1' ? new Promise<string>(() => undefined) : name),
        (answer) => log.push(`emit ${answer}`),
      )
    }
    expect(log).toEqual(['emit 2'])
  })

  test('is taken once', () => {
    const { later, start, log } = two()
    start()
    later.settle('1')
    expect(later.settle('2')).toBe(false)
    expect(log).toEqual(['emit 1'])
  })

  test('may be there before its request has begun', async () => {
    const { later, start, log, request, answer } = two()
    expect(later.settle('1')).toBe(false)
    start()
    expect(log).toEqual(['emit 1'])
    request('b', '2')
    await answer('2')
    expect(log).toHaveLength(3)
  })

  test('lets the next one of its lane start, if it held it', () => {
    const { lanes, log } = build()
    const later = new Later<string>()
    lanes.run(
      'a',
      true,
      () => later,
      (answer) => log.push(`emit ${answer}`),
    )
    lanes.run(
      'a',
      false,
      () => 'next',
      (answer) => log.push(`emit ${answer}`),
    )
    expect(log).toEqual([])
    expect(later.settle('1')).toBe(true)
    expect(log).toEqual(['emit 1', 'emit next'])
  })
})

interface Planned {
  readonly key: string
  readonly exclusive: boolean
  readonly sync: boolean
}

const planned = fc.record<Planned>({
  key: fc.constantFrom('a', 'b', 'c'),
  exclusive: fc.boolean(),
  sync: fc.boolean(),
})

test('in any course each key keeps its order, exclusive requests are alone ahead, and all are answered once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(planned, { maxLength: 14, size: 'max' }),
      fc.array(fc.nat(13), { maxLength: 40, size: 'max' }),
      async (plans, order) => {
        const { request, answer, answered, log } = build()
        for (const [at, { key, exclusive, sync }] of plans.entries()) request(key, `${at}`, { exclusive, sync })
        const said = (what: string): number[] =>
          log.flatMap((line) => (line.startsWith(what) ? [Number(line.split(' ')[1])] : []))
        // Each lane is answered in any order, and at last whole: a request starts one round after what it waits for.
        for (const at of [...order, ...plans.flatMap(() => [...plans.keys()])]) {
          await answer(`${at}`)
          const [started, emitted] = [said('start'), said('emit')]
          for (const key of ['a', 'b', 'c']) {
            const ofKey = (list: readonly number[]): number[] => list.filter((one) => plans[one]?.key === key)
            const inOrder = ofKey([...plans.keys()])
            expect(ofKey(started)).toEqual(inOrder.slice(0, ofKey(started).length))
            expect(ofKey(emitted)).toEqual(inOrder.slice(0, ofKey(emitted).length))
          }
          for (const one of started) {
            // What is exclusive starts when everything before it in its lane was answered.
            const { key, exclusive } = plans[one] as Planned
            const before = [...plans.keys()].filter((other) => other < one && plans[other]?.key === key)
            if (exclusive) for (const other of before) expect(emitted).toContain(other)
          }
          for (const later of started) {
            for (const [one, { key, exclusive, sync }] of plans.entries()) {
              const blocks = one < later && exclusive && !sync && key === plans[later]?.key
              if (blocks) expect(answered).toContain(`${one}`)
            }
          }
        }
        expect(said('emit').sort((a, b) => a - b)).toEqual([...plans.keys()])
      },
    ),
    { numRuns: 40 },
  )
})
