import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { settled } from '../../../test/harness/request-fakes.ts'
import { createFeeds } from './feeds.ts'

/** A server that copies each message to every subscription that hears it; copies arrive when the test lets them. */
function build({ identify = ((message: string) => message) as ((message: string) => string) | null } = {}) {
  const open = new Map<string, { take: (message: string, subject: string) => void; denied: boolean }>()
  const confirms: ((taken: boolean) => void)[] = []
  const denied = new Set<string>()
  const feeds = createFeeds<string>({
    identify,
    listen(subject, take) {
      const one = { take, denied: denied.has(subject) }
      open.set(subject, one)
      return {
        get denied() {
          return one.denied
        },
        unsubscribe: () => void (open.get(subject) === one && open.delete(subject)),
      }
    },
    confirm: () => new Promise((resolve) => confirms.push(resolve)),
  })
  return {
    feeds,
    denied,
    subjects: (): string[] => [...open.keys()].sort(),
    /** A copy arrives by a subscription; a message to one that was closed is nobody's. */
    copy: (by: string, subject: string, message: string): void => open.get(by)?.take(message, subject),
    async confirm(taken = true): Promise<void> {
      for (const resolve of confirms.splice(0)) resolve(taken)
      await settled()
    },
    heard(): { readonly list: string[]; readonly take: (message: string, subject: string) => void } {
      const list: string[] = []
      return { list, take: (message, subject) => list.push(`${subject} ${message}`) }
    },
  }
}

describe('rooms', () => {
  test('have a subscription each while nobody follows their namespace', () => {
    const { feeds, subjects, copy, heard } = build()
    const [a, b] = [heard(), heard()]
    const held = feeds.listen('n.a', a.take)
    feeds.listen('n.b', b.take)
    expect(subjects()).toEqual(['n.a', 'n.b'])
    copy('n.a', 'n.a', '1')
    expect([a.list, b.list]).toEqual([['n.a 1'], []])
    held.unsubscribe()
    expect(subjects()).toEqual(['n.b'])
  })

  test('share that of their namespace once it is confirmed, and are heard before the wildcard', async () => {
    const { feeds, subjects, copy, confirm } = build()
    const list: string[] = []
    feeds.listen('n.a', (message) => list.push(`a ${message}`))
    feeds.listenAll('n.*', (message, subject) => list.push(`* ${subject} ${message}`))
    expect(subjects()).toEqual(['n.*', 'n.a'])
    await confirm()
    feeds.listen('n.b', (message) => list.push(`b ${message}`))
    expect(subjects()).toEqual(['n.*'])
    for (const name of ['a', 'b', 'c']) copy('n.*', `n.${name}`, '1')
    expect(list).toEqual(['a 1', '* n.a 1', 'b 1', '* n.b 1', '* n.c 1'])
  })

  test('get their own back before that of the namespace is closed', async () => {
    const { feeds, subjects, confirm, heard } = build()
    feeds.listen('n.a', heard().take)
    const all = feeds.listenAll('n.*', heard().take)
    await confirm()
    all.unsubscribe()
    expect(subjects()).toEqual(['n.*', 'n.a'])
    await confirm()
    expect(subjects()).toEqual(['n.a'])
  })

  test('keep their own where the namespace may not be heard', async () => {
    const { feeds, denied, subjects, copy, confirm, heard } = build()
    denied.add('n.*')
    const a = heard()
    feeds.listen('n.a', a.take)
    const all = feeds.listenAll('n.*', heard().take)
    await confirm()
    expect([all.denied, subjects()]).toEqual([true, ['n.*', 'n.a']])
    copy('n.a', 'n.a', '1')
    all.unsubscribe()
    expect([subjects(), a.list]).toEqual([['n.a'], ['n.a 1']])
  })

  test('are not touched by a confirmation that does not come; it is asked for again', async () => {
    const { feeds, subjects, confirm, heard } = build()
    feeds.listen('n.a', heard().take)
    feeds.listenAll('n.*', heard().take)
    await confirm(false)
    expect(subjects()).toEqual(['n.*', 'n.a'])
    await expect.poll(() => confirm().then(subjects), { timeout: 5000 }).toEqual(['n.*'])
  })
})

test('a namespace that is followed again while it is being let go of keeps its subscription', async () => {
  const { feeds, subjects, copy, confirm, heard } = build()
  const [a, again] = [heard(), heard()]
  feeds.listen('n.a', a.take)
  const all = feeds.listenAll('n.*', heard().take)
  await confirm()
  all.unsubscribe()
  feeds.listenAll('n.*', again.take)
  expect(subjects()).toEqual(['n.*'])
  await confirm()
  copy('n.*', 'n.a', '1')
  expect([a.list, again.list]).toEqual([['n.a 1'], ['n.a 1']])
})

test('a namespace is followed once at a time', () => {
  const { feeds, heard } = build()
  feeds.listenAll('n.*', heard().take)
  expect(() => feeds.listenAll('n.*', heard().take)).toThrow()
})

test('both copies are passed on where whoever takes them knows duplicates', async () => {
  const { feeds, copy, heard } = build({ identify: null })
  const a = heard()
  feeds.listen('n.a', a.take)
  feeds.listenAll('n.*', heard().take)
  copy('n.a', 'n.a', '1')
  copy('n.*', 'n.a', '1')
  expect(a.list).toEqual(['n.a 1', 'n.a 1'])
})

describe('while both subscriptions are open', () => {
  test('a message is taken once, whichever brings it first, and an equal one again', async () => {
    const { feeds, copy, confirm, heard } = build()
    const a = heard()
    feeds.listen('n.a', a.take)
    feeds.listenAll('n.*', heard().take)
    const typing = (by: string): void => copy(by, 'n.a', 'typing')
    for (const by of ['n.a', 'n.*', 'n.*', 'n.a', 'n.a', 'n.a']) typing(by)
    expect(a.list).toHaveLength(4)
    await confirm()
    // Its copies by the room's own have come; these are the other ones.
    typing('n.*')
    typing('n.*')
    expect(a.list).toHaveLength(4)
    typing('n.*')
    expect(a.list).toHaveLength(5)
  })

  test('and at each change between them, no message is missed or doubled, however its copies arrive', async () => {
    const steps = fc.array(fc.constantFrom('send', 'own', 'all', 'confirm', 'follow', 'leave'), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        const { feeds, subjects, copy, confirm, heard } = build()
        const a = heard()
        feeds.listen('n.a', a.take)
        let all: { unsubscribe(): void } | null = null
        const ways = { own: [] as string[], all: [] as string[] }
        let sent = 0
        const arrive = (way: 'own' | 'all', count = 1): void => {
          for (const message of ways[way].splice(0, count)) copy(way === 'own' ? 'n.a' : 'n.*', 'n.a', message)
        }
        for (const step of plan) {
          if (step === 'send') {
            const message = `m${sent++}`
            // The server copies to what it has heard of, which is all that is open: what was closed is not heard any more.
            if (subjects().includes('n.a')) ways.own.push(message)
            if (subjects().includes('n.*')) ways.all.push(message)
          } else if (step === 'own' || step === 'all') arrive(step)
          else if (step === 'follow') all ??= feeds.listenAll('n.*', () => undefined)
          else if (step === 'leave') {
            all?.unsubscribe()
            all = null
          } else {
            // An answer comes behind everything that was sent before it.
            arrive('own', Number.POSITIVE_INFINITY)
            arrive('all', Number.POSITIVE_INFINITY)
            await confirm()
          }
        }
        arrive('own', Number.POSITIVE_INFINITY)
        arrive('all', Number.POSITIVE_INFINITY)
        const messages = a.list.map((one) => one.slice('n.a '.length))
        expect(new Set(messages).size).toBe(messages.length)
        expect(messages).toHaveLength(sent)
      }),
      { numRuns: 200 },
    )
  })
})
