// Rooms that a token puts its user into: told by `added`, joined again by the client without a hole, and left as any other.
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { brokenLinks, historyCluster, messagesOf } from '../harness/history.ts'
import { serve } from '../harness/service.ts'
import { testWithCluster, test as withStage } from '../harness/stage.ts'

const test = testWithCluster()

const added = (client: Client, room: string) => client.next((frame) => frame.type === 'added' && frame.room === room)
const publish = (room: string, data: unknown) => ({ type: 'publish', room, data })

describe('the grant `rooms`', () => {
  test('makes a member at sign-in, after `welcome`, without a request or another grant', async ({
    stage,
    cluster: { one, two },
  }) => {
    const rooms = ['private:{user}', 'placed', 'default:placed', 'private:*', 'nowhere:a']
    const ann = await stage.user(one, 'placed-ann', { grants: { rooms } })
    expect(await added(ann, 'private:placed-ann')).toEqual({ type: 'added', room: 'private:placed-ann' })
    await added(ann, 'placed')
    await ann.settled()
    expect(ann.frames.map(({ type }) => type)).toEqual(['welcome', 'added', 'added', 'pong'])
    const ben = await stage.user(two, 'ben', { grants: { publish: ['private:*'] } })
    await ben.ok(publish('private:placed-ann', 1))
    expect(await ann.message()).toMatchObject({ room: 'private:placed-ann', data: 1 })
    expect(await ben.refused({ type: 'join', room: 'private:placed-ann' })).toBe('forbidden')
  })

  test('is joined by the client once, and left and joined again as any other', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann', { grants: { rooms: ['private:desk'] } })
    await ann.ok({ type: 'join', room: 'private:desk' })
    await added(ann, 'private:desk')
    expect(await ann.refused({ type: 'join', room: 'private:desk' })).toBe('already_joined')
    await ann.ok({ type: 'leave', room: 'private:desk' })
    await ann.ok(publish('placed', 1))
    await ann.ok({ type: 'join', room: 'private:desk' })
    expect(await ann.refused({ type: 'join', room: 'private:desk' })).toBe('already_joined')
  })

  test('leaves a room that was never joined', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann', { grants: { rooms: ['placed-left'] } })
    await added(ann, 'placed-left')
    await ann.ok({ type: 'leave', room: 'placed-left' })
    await ann.ok(publish('placed-left', 1))
    await ann.settled()
    expect(ann.dataOf('placed-left')).toEqual([])
  })

  test('of a room that a service decides about is for the service to say', async ({
    stage,
    cluster: { nats, one },
  }) => {
    const asked = await serve(await nats.connect(), 'sluice.authorize.join.ask', (message) =>
      message.json<{ room: string }>().room === 'ask:yes' ? '{"allow":true}' : '{"allow":false}',
    )
    const ann = await stage.user(one, 'ann', { grants: { rooms: ['ask:no', 'ask:yes'] } })
    await added(ann, 'ask:yes')
    expect(asked.asked).toHaveLength(2)
    await ann.ok({ type: 'join', room: 'ask:yes' })
    expect(await ann.refused({ type: 'join', room: 'ask:no' })).toBe('forbidden')
    expect(asked.asked).toHaveLength(3)
    await asked.stop()
  })
})

describe('with history', () => {
  withStage('the first `join` of such a room recovers from where the client stood', async ({ stage }) => {
    const { gateways } = await historyCluster(stage)
    const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]]
    const grants = { rooms: ['chat:staff'] }
    const ben = await stage.user(two, 'ben')
    for (const n of [1, 2]) await ben.ok(publish('chat:staff', n))
    const ann = await stage.user(one, 'ann', { grants })
    const { epoch, offset } = await added(ann, 'chat:staff')
    expect({ epoch, offset }).toEqual({ epoch: expect.any(String), offset: 2 })
    for (const n of [3, 4]) await ben.ok(publish('chat:staff', n))
    await eventually(() => messagesOf(ann, 'chat:staff').map(({ data }) => data)).toEqual([3, 4])
    ann.socket.terminate()
    for (const n of [5, 6]) await ben.ok(publish('chat:staff', n))

    const back = await stage.user(two, 'ann', { grants })
    await added(back, 'chat:staff')
    await ben.ok(publish('chat:staff', 7))
    const joined = await back.ok({ type: 'join', room: 'chat:staff', since: { epoch, offset: 4 } })
    expect(joined).toMatchObject({ recovered: true, offset: 7 })
    await ben.ok(publish('chat:staff', 8))
    await eventually(() => messagesOf(back, 'chat:staff').at(-1)?.data).toBe(8)
    const kept = messagesOf(back, 'chat:staff').filter(({ offset }, at, all) => {
      // What was live before the join comes again with it: at or below the position that it had brought [P-16.7].
      return all.findLastIndex((one) => one.offset === offset) === at
    })
    expect(kept.map(({ data }) => data)).toEqual([5, 6, 7, 8])
    expect(brokenLinks(kept, 4)).toEqual([])
    expect(await back.refused({ type: 'join', room: 'chat:staff' })).toBe('already_joined')
  })
})

describe('with presence', () => {
  withStage('others see who was put into the room, also through its own first join', async ({ stage }) => {
    const nats = await stage.nats()
    const namespaces = {
      default: { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence: true },
    }
    await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(namespaces) })
    const gateway = await stage.gateway(nats, { settings: { namespaces } })
    const ben = await stage.user(gateway, 'ben')
    await ben.ok({ type: 'join', room: 'hall', presence: true })
    const ann = await stage.user(gateway, 'ann', { grants: { rooms: ['hall'] } })
    expect(await ben.next(({ type }) => type === 'joined')).toMatchObject({ member: { user: 'ann', connections: 1 } })
    expect(await ann.ok({ type: 'join', room: 'hall', presence: true })).toMatchObject({ count: 2 })
    await ann.leave()
    expect(await ben.next(({ type }) => type === 'left')).toMatchObject({ member: { user: 'ann' } })
    expect(ben.frames.filter(({ type }) => type === 'joined')).toHaveLength(1)
  })
})
