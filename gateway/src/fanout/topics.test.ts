import type { RoomName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { type FakeConnection, fakeConnection } from '../../../test/harness/session-fakes.ts'
import type { Inbound } from '../backplane/inbound.ts'
import { isEmpty, isMember, type Topic, type TopicName } from './topic.ts'
import { createTopics } from './topics.ts'

const LOBBY = 'sluice.room.default.lobby'
const ABOUT: TopicName = { kind: 'room', name: 'lobby' as RoomName }
const MESSAGE = { payload: Buffer.from('1') } as unknown as Inbound

/** A backplane whose confirmations come when the test says so. */
function build({ lingerSweeps = 3 } = {}) {
  const log: string[] = []
  const listeners = new Map<string, Set<(message: Inbound, subject: string) => void>>()
  const pending: ((confirmed: boolean) => void)[] = []
  const delivered: { topic: Topic; message: Inbound }[] = []
  const denied = new Set<string>()
  const backplane = {
    connected: true,
    connects: 0,
    confirm: () => new Promise<boolean>((resolve) => pending.push(resolve)),
    listen(subject: string, deliver: (message: Inbound, subject: string) => void) {
      log.push(`+${subject}`)
      const of = listeners.get(subject) ?? new Set()
      listeners.set(subject, of.add(deliver))
      return {
        get denied() {
          return denied.has(subject)
        },
        unsubscribe() {
          log.push(`-${subject}`)
          of.delete(deliver)
        },
      }
    },
  }
  const opened: string[] = []
  const closed: string[] = []
  const topics = createTopics({
    backplane,
    deliver: (topic, message) => delivered.push({ topic, message }),
    lingerSweeps,
    onOpened: (topic) => opened.push(topic.subject),
    onClosed: (topic) => closed.push(topic.subject),
  })
  return {
    topics,
    opened,
    closed,
    backplane,
    log,
    delivered,
    denied,
    /** NATS answers all that has been asked. */
    answer(confirmed = true): void {
      for (const resolve of pending.splice(0)) resolve(confirmed)
    },
    get asked() {
      return pending.length
    },
    publish(subject: string): void {
      for (const deliver of listeners.get(subject) ?? []) deliver(MESSAGE, subject)
    },
    sweep(times: number): void {
      for (let at = 0; at < times; at++) topics.sweep()
    },
  }
}

async function joined(built: ReturnType<typeof build>, member: FakeConnection): Promise<Topic> {
  const join = built.topics.join(member, LOBBY, ABOUT)
  built.answer()
  expect(await join).toBe(true)
  return built.topics.find(LOBBY) as Topic
}

describe('a join', () => {
  test('receives nothing before what it prepares is done, and makes no member if that fails', async () => {
    const built = build()
    const prepared: ((done: boolean) => void)[] = []
    const prepare = (): Promise<boolean> => new Promise((resolve) => prepared.push(resolve))
    const [first, second] = [fakeConnection(), fakeConnection({ number: 2 })]
    const joins = [first, second].map((member) => built.topics.join(member, LOBBY, ABOUT, prepare))
    expect(prepared).toEqual([])
    built.answer()
    await new Promise((resolve) => setImmediate(resolve))
    const topic = built.topics.find(LOBBY) as Topic
    expect([prepared.length, topic.members]).toEqual([2, []])
    prepared[0]?.(true)
    prepared[1]?.(false)
    expect(await Promise.all(joins)).toEqual([true, false])
    expect(topic.members).toEqual([first])
  })

  test('whose preparation throws leaves nobody behind', async () => {
    const built = build()
    const member = fakeConnection()
    const join = built.topics.join(member, LOBBY, ABOUT, () => Promise.reject(new Error('ours')))
    built.answer()
    await expect(join).rejects.toThrow('ours')
    expect(member.topics).toEqual([])
    expect(isEmpty(built.topics.find(LOBBY) as Topic)).toBe(true)
  })

  test('is answered, and makes a member, only when NATS has confirmed the interest', async () => {
    const built = build()
    const member = fakeConnection()
    let answered: boolean | null = null
    const join = built.topics.join(member, LOBBY, ABOUT).then((confirmed) => {
      answered = confirmed
    })
    const topic = built.topics.find(LOBBY) as Topic
    await Promise.resolve()
    expect(built.log).toEqual([`+${LOBBY}`])
    expect([answered, isMember(member, topic)]).toEqual([null, false])
    built.answer()
    await join
    expect([answered, isMember(member, topic)]).toEqual([true, true])
    built.publish(LOBBY)
    expect(built.delivered).toEqual([{ topic, message: MESSAGE }])
  })

  test('of a room that is followed already asks NATS nothing', async () => {
    const built = build()
    await joined(built, fakeConnection({ number: 1 }))
    const second = built.topics.join(fakeConnection({ number: 2 }), LOBBY, ABOUT)
    expect(built.asked).toBe(0)
    expect(await second).toBe(true)
    expect(built.log).toEqual([`+${LOBBY}`])
  })

  test('beside one that is not confirmed yet waits for a confirmation of its own', async () => {
    const built = build()
    const first = built.topics.join(fakeConnection({ number: 1 }), LOBBY, ABOUT)
    const second = built.topics.join(fakeConnection({ number: 2 }), LOBBY, ABOUT)
    expect(built.asked).toBe(2)
    built.answer()
    expect(await Promise.all([first, second])).toEqual([true, true])
    expect(built.log).toEqual([`+${LOBBY}`])
  })

  test('that NATS does not confirm leaves no member, and the next one asks again', async () => {
    const built = build()
    const member = fakeConnection()
    const join = built.topics.join(member, LOBBY, ABOUT)
    built.answer(false)
    expect(await join).toBe(false)
    expect(member.topics).toEqual([])
    expect(built.topics.count('room')).toBe(0)
    await joined(built, member)
    expect(built.log).toEqual([`+${LOBBY}`])
  })

  test('fails at once in a followed room while NATS is away', async () => {
    const built = build()
    await joined(built, fakeConnection({ number: 1 }))
    built.backplane.connected = false
    const member = fakeConnection({ number: 2 })
    expect(await built.topics.join(member, LOBBY, ABOUT)).toBe(false)
    expect(member.topics).toEqual([])
  })

  test('of a subject that NATS does not let us hear fails', async () => {
    const built = build()
    const member = fakeConnection()
    built.denied.add(LOBBY)
    const join = built.topics.join(member, LOBBY, ABOUT)
    built.answer()
    expect(await join).toBe(false)
    expect(member.topics).toEqual([])
    built.sweep(4)
    expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`])
  })

  test('during which the connection is closed makes no member', async () => {
    const built = build()
    const member = fakeConnection()
    const join = built.topics.join(member, LOBBY, ABOUT)
    built.topics.leaveAll(member)
    expect(built.topics.count('room')).toBe(0)
    built.answer()
    expect(await join).toBe(false)
    expect((built.topics.find(LOBBY) as Topic).members).toEqual([])
    built.sweep(4)
    expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`])
  })
})

describe('a room that was left by its last member', () => {
  test('is followed for some sweeps more, then let go', async () => {
    const built = build({ lingerSweeps: 3 })
    const member = fakeConnection()
    built.topics.leave(member, await joined(built, member))
    expect(built.topics.count('room')).toBe(0)
    built.sweep(2)
    expect(built.log).toEqual([`+${LOBBY}`])
    expect(built.topics.find(LOBBY)).toBeDefined()
    built.sweep(1)
    expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`])
    expect(built.topics.find(LOBBY)).toBeUndefined()
  })

  test('and entered again in time is never let go, however often that happens', async () => {
    const built = build({ lingerSweeps: 3 })
    const member = fakeConnection()
    const topic = await joined(built, member)
    for (let at = 0; at < 10; at++) {
      built.topics.leave(member, topic)
      built.sweep(2)
      expect(await built.topics.join(member, LOBBY, ABOUT)).toBe(true)
      built.sweep(2)
    }
    built.sweep(10)
    expect(built.log).toEqual([`+${LOBBY}`])
    expect(topic.members).toEqual([member])
  })

  test('and entered again lingers its full time when it is left again', async () => {
    const built = build({ lingerSweeps: 3 })
    const member = fakeConnection()
    const topic = await joined(built, member)
    built.topics.leave(member, topic)
    built.sweep(2)
    await built.topics.join(member, LOBBY, ABOUT)
    built.topics.leave(member, topic)
    built.sweep(2)
    expect(built.log).toEqual([`+${LOBBY}`])
    built.sweep(1)
    expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`])
  })

  test('and let go is subscribed and confirmed anew', async () => {
    const built = build({ lingerSweeps: 1 })
    const member = fakeConnection()
    built.topics.leave(member, await joined(built, member))
    built.sweep(1)
    const again = built.topics.join(member, LOBBY, ABOUT)
    expect(built.asked).toBe(1)
    built.answer()
    expect(await again).toBe(true)
    expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`, `+${LOBBY}`])
  })

  test('that NATS has confirmed before a reconnect is confirmed anew for the next member', async () => {
    const built = build({ lingerSweeps: 1 })
    await joined(built, fakeConnection({ number: 1 }))
    built.backplane.connects++
    const join = built.topics.join(fakeConnection({ number: 2 }), LOBBY, ABOUT)
    expect(built.asked).toBe(1)
    built.answer(false)
    expect(await join).toBe(false)
  })

  test('is not let go while somebody is joining', async () => {
    const built = build({ lingerSweeps: 1 })
    const member = fakeConnection({ number: 1 })
    built.topics.leave(member, await joined(built, member))
    built.backplane.connects++
    const join = built.topics.join(fakeConnection({ number: 2 }), LOBBY, ABOUT)
    built.sweep(5)
    expect(built.log).toEqual([`+${LOBBY}`])
    built.answer()
    expect(await join).toBe(true)
  })
})

test('a join that a close overtook does not end the subscription of its successor', async () => {
  const built = build({ lingerSweeps: 1 })
  const [closed, successor] = [fakeConnection({ number: 1 }), fakeConnection({ number: 2 })]
  const overtaken = built.topics.join(closed, LOBBY, ABOUT)
  built.topics.leaveAll(closed)
  built.sweep(2)
  expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`])
  const join = built.topics.join(successor, LOBBY, ABOUT)
  built.answer()
  expect(await Promise.all([overtaken, join])).toEqual([false, true])
  built.sweep(5)
  expect(built.log).toEqual([`+${LOBBY}`, `-${LOBBY}`, `+${LOBBY}`])
  built.publish(LOBBY)
  expect(built.delivered.map(({ topic }) => topic.members)).toEqual([[successor]])
})

test('topics are counted by kind, the empty ones left out', async () => {
  const built = build()
  const member = fakeConnection()
  const topic = await joined(built, member)
  const user = built.topics.join(member, 'sluice.user.alice', { kind: 'user', name: 'alice' as never })
  built.answer()
  await user
  expect([built.topics.count('room'), built.topics.count('user')]).toEqual([1, 1])
  built.topics.leave(member, topic)
  expect([built.topics.count('room'), built.topics.count('user')]).toEqual([0, 1])
  built.topics.leaveAll(member)
  expect([built.topics.count('room'), built.topics.count('user')]).toEqual([0, 0])
})
