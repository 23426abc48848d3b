import { createSubjects, decodeControl, type UserName, type UserSession } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { userOf } from '../../../test/harness/presence-values.ts'
import { createUserLimiter, type UserLimiter } from './user-limiter.ts'

const ANN = userOf('ann')
const counters = { limitCloses: 0 }
let sessions: UserSession[]
let leaving: Set<string>
let told: { readonly subject: string; readonly sessions: readonly string[]; readonly code: number }[]

function session(gateway: string, number: number, since: number): UserSession {
  return { session: `${gateway}.${number}`, gateway, since, instance: `${gateway}-1` } as unknown as UserSession
}

function limiter(close: 'oldest' | 'newest' = 'oldest', connectionsMax = 2): UserLimiter {
  return createUserLimiter({
    nats: {
      publish(subject, payload) {
        const control = decodeControl(payload)
        if (control === null || typeof control === 'string' || control.verb !== 'close') throw new Error('malformed')
        told.push({ subject, sessions: control.sessions, code: control.code })
        return true
      },
    },
    subjects: createSubjects('sluice'),
    sessionsOf: (user: UserName) => (user === ANN ? sessions : []),
    connectionsMax,
    close,
    draining: () => leaving,
    counters,
  })
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  counters.limitCloses = 0
  sessions = [session('g1', 1, 10), session('g2', 1, 20), session('g1', 2, 30), session('g2', 2, 40)]
  leaving = new Set()
  told = []
})

describe('a user over the limit', () => {
  test('loses the oldest connections, each at its own gateway, by one message for a turn', async () => {
    const { check } = limiter()
    check(ANN)
    check(ANN)
    await endOfTurn()
    expect(told).toEqual([
      { subject: 'sluice.ctl.gateway.g1', sessions: ['g1.1'], code: 4030 },
      { subject: 'sluice.ctl.gateway.g2', sessions: ['g2.1'], code: 4030 },
    ])
    expect(counters.limitCloses).toBe(2)
  })

  test('loses the newest where that is configured', async () => {
    limiter('newest').check(ANN)
    await endOfTurn()
    expect(told.flatMap(({ sessions }) => sessions)).toEqual(['g1.2', 'g2.2'])
  })

  test('is told of again until they are gone, and counted once', async () => {
    const { check, recheck } = limiter()
    check(ANN)
    await endOfTurn()
    recheck()
    expect(told).toHaveLength(4)
    sessions = sessions.slice(2)
    recheck()
    recheck()
    expect(told).toHaveLength(4)
    expect(counters.limitCloses).toBe(2)
  })

  test('is not over it by connections of a gateway that is draining', async () => {
    leaving = new Set(['g1-1'])
    limiter().check(ANN)
    await endOfTurn()
    expect(told).toEqual([])
  })
})

test('a user at the limit is left alone', async () => {
  const { check, recheck } = limiter('oldest', 4)
  check(ANN)
  await endOfTurn()
  recheck()
  expect(told).toEqual([])
})
