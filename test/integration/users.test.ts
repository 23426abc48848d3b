import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()
const strict = testWithCluster({ settings: { auth: { grants: {} } } })

describe('send', () => {
  test('to a user reaches every connection of that user, on whichever gateway', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await stage.user(one, 'send-ann')
    const tabs = [await stage.user(one, 'send-ben'), await stage.user(two, 'send-ben')]
    const eve = await stage.user(two, 'send-eve')
    await ann.ok({ type: 'send', user: 'send-ben', event: 'note', data: { text: 'psst' } })
    for (const tab of tabs) {
      expect(await tab.message()).toEqual({
        type: 'message',
        user: 'send-ben',
        from: 'send-ann',
        session: ann.session,
        event: 'note',
        data: { text: 'psst' },
      })
    }
    await Promise.all([ann.settled(), eve.settled(), ...tabs.map((tab) => tab.settled())])
    for (const other of [ann, eve]) expect(other.frames.filter(({ type }) => type === 'message')).toEqual([])
    for (const tab of tabs) expect(tab.frames.filter(({ type }) => type === 'message')).toHaveLength(1)
  })

  test('to oneself reaches all of one’s connections', async ({ stage, cluster: { one, two } }) => {
    const here = await stage.user(one, 'self')
    const there = await stage.user(two, 'self')
    await here.ok({ type: 'send', user: 'self', data: 1 })
    expect(await here.message()).toMatchObject({ user: 'self', data: 1 })
    expect(await there.message()).toMatchObject({ user: 'self', data: 1 })
  })

  test('to a session reaches that connection alone', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'session-ann')
    const wanted = await stage.user(two, 'session-ben')
    const other = await stage.user(two, 'session-ben')
    await ann.ok({ type: 'send', session: wanted.session, data: 'only you' })
    expect(await wanted.message()).toMatchObject({ user: 'session-ben', from: 'session-ann', data: 'only you' })
    await other.settled()
    expect(other.frames.filter(({ type }) => type === 'message')).toEqual([])
  })

  test('to a user or session that nobody holds is ok', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    await ann.ok({ type: 'send', user: 'nobody at all', data: 1 })
    await ann.ok({ type: 'send', session: `${ann.session}999`, data: 1 })
  })

  test('of messages to one user keeps their order', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'order-ben')
    const wanted = Array.from({ length: 100 }, (_, n) => n)
    await Promise.all(wanted.map((data) => ann.ok({ type: 'send', user: 'order-ben', data })))
    await eventually(() => ben.frames.filter(({ type }) => type === 'message').length).toBe(wanted.length)
    expect(ben.frames.filter(({ type }) => type === 'message').map(({ data }) => data)).toEqual(wanted)
  })

  test('needs exactly one recipient with a proper name', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    const wrong = [
      {},
      { user: 'a', session: 'b.1' },
      { user: 'a*' },
      { user: '' },
      { session: 'x' },
      { session: 'a.0' },
    ]
    for (const to of wrong) expect(await ann.refused({ type: 'send', ...to, data: 1 })).toBe('bad_request')
  })
})

describe('send is granted to nobody', () => {
  strict('unless the token says to whom', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    expect(await ann.refused({ type: 'send', user: 'ben', data: 1 })).toBe('forbidden')
    expect(await ann.refused({ type: 'send', session: 'other.1', data: 1 })).toBe('forbidden')
    const narrow = await stage.user(one, 'narrow', { grants: { send: ['ben', '{user}'] } })
    await narrow.ok({ type: 'send', user: 'ben', data: 1 })
    await narrow.ok({ type: 'send', user: 'narrow', data: 1 })
    expect(await narrow.refused({ type: 'send', user: 'eve', data: 1 })).toBe('forbidden')
    expect(await narrow.refused({ type: 'send', session: ann.session, data: 1 })).toBe('forbidden')
    await narrow.ok({ type: 'send', session: narrow.session, data: 1 })
  })
})
