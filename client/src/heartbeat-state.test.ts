import { describe, expect, test } from 'vitest'
import { doubted, type Heartbeat, heard, type Look, looked, stoodStill } from './heartbeat-state.ts'

const patience = { heartbeatMs: 25_000, probeMs: 4000 }

/** Looks on time until something is done. */
function until(heartbeat: Heartbeat): { atMs: number; look: Look } {
  let held = heartbeat
  for (let looks = 0; looks < 100; looks++) {
    const atMs = held.lookAtMs
    const look = looked(held, atMs, patience)
    if (look.act !== 'wait') return { atMs, look }
    held = look.heartbeat
  }
  throw new Error('nothing was ever done')
}

describe('a socket that is silent', () => {
  test('is asked after heartbeatMs and given up after half of that', () => {
    const asked = until(heard(0, patience))
    expect(asked).toMatchObject({ atMs: 25_000, look: { act: 'ping' } })
    expect(until(asked.look.heartbeat)).toMatchObject({ atMs: 37_500, look: { act: 'give-up' } })
  })

  test('is looked at often enough to notice a sleep', () => {
    const first = heard(0, patience)
    expect(first.lookAtMs).toBe(5000)
    expect(looked(first, 5000, patience).heartbeat.lookAtMs).toBe(10_000)
  })

  test('that speaks in time is left alone', () => {
    const asked = until(heard(0, patience)).look.heartbeat
    expect(asked.askedAtMs).toBe(25_000)
    expect(until(heard(30_000, patience)).atMs).toBe(55_000)
  })

  test('with a heartbeat shorter than a look is asked no later', () => {
    const quick = { heartbeatMs: 1000, probeMs: 4000 }
    expect(looked(heard(0, quick), 1000, quick)).toMatchObject({ act: 'ping', heartbeat: { lookAtMs: 1500 } })
  })
})

describe('a process that stood still', () => {
  test('asks at once, and gives up after the short time', () => {
    const look = looked(heard(0, patience), 300_000, patience)
    expect(look).toMatchObject({ act: 'ping', heartbeat: { lookAtMs: 304_000 } })
    expect(looked(look.heartbeat, 304_000, patience).act).toBe('give-up')
  })

  test('while it waited for an answer asks again, as the answer may lie unread', () => {
    const asked = until(heard(0, patience)).look.heartbeat
    const again = looked(asked, 400_000, patience)
    expect(again.act).toBe('ping')
    expect(looked(again.heartbeat, 404_000, patience).act).toBe('give-up')
  })

  test('again and again, as in a throttled tab, still gives up', () => {
    let held = heard(0, patience)
    const acts: string[] = []
    for (let minute = 1; minute <= 4; minute++) {
      const look = looked(held, minute * 60_000, patience)
      acts.push(look.act)
      held = look.heartbeat
    }
    expect(acts).toEqual(['ping', 'ping', 'give-up', expect.anything()])
  })

  test('is known also by what it hears late', () => {
    expect(stoodStill(heard(0, patience), 7001)).toBe(true)
    expect(stoodStill(heard(0, patience), 6999)).toBe(false)
  })
})

describe('a hint that the network is back', () => {
  test('asks at once, and not twice', () => {
    const look = doubted(heard(0, patience), 100, patience)
    expect(look).toMatchObject({ act: 'ping', heartbeat: { askedAtMs: 100, lookAtMs: 4100 } })
    expect(doubted(look.heartbeat, 200, patience)).toEqual({ heartbeat: look.heartbeat, act: 'wait' })
  })
})
