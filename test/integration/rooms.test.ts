import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster()

describe('a room across two gateways', () => {
  test('members on both hear what is published on one, once and in order; a third room hears nothing', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:order')
    const ben = await (await stage.user(two, 'ben')).join('chat:order')
    const eve = await (await stage.user(two, 'eve')).join('chat:elsewhere')
    const wanted = Array.from({ length: 200 }, (_, n) => ({ n }))
    await Promise.all(wanted.map((data) => ann.ok({ type: 'publish', room: 'chat:order', data })))
    for (const member of [ann, ben]) {
      await eventually(() => member.dataOf('chat:order').length).toBeGreaterThanOrEqual(wanted.length)
    }
    // Both have room for doubles until they are known to be settled.
    await Promise.all([ann.settled(), ben.settled(), eve.settled()])
    expect(ann.dataOf('chat:order')).toEqual(wanted)
    expect(ben.dataOf('chat:order')).toEqual(wanted)
    expect(eve.frames.filter(({ type }) => type === 'message')).toEqual([])
  })

  test('a message names the room, its sender and the sending connection, and carries the event', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await stage.user(one, 'ann')
    const ben = await (await stage.user(two, 'ben')).join('chat:named')
    await ann.ok({ type: 'publish', room: 'chat:named', event: 'chat.said', data: { text: 'hi' } })
    expect(await ben.message()).toEqual({
      type: 'message',
      room: 'chat:named',
      from: 'ann',
      session: ann.session,
      event: 'chat.said',
      data: { text: 'hi' },
    })
  })

  test('publishers of one room on two gateways each keep their order', async ({ stage, cluster: { one, two } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:both')
    const ben = await (await stage.user(two, 'ben')).join('chat:both')
    const count = 50
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        Promise.all([
          ann.ok({ type: 'publish', room: 'chat:both', data: { by: 'ann', n } }),
          ben.ok({ type: 'publish', room: 'chat:both', data: { by: 'ben', n } }),
        ]),
      ),
    )
    for (const member of [ann, ben]) {
      await eventually(() => member.dataOf('chat:both').length).toBe(2 * count)
      for (const by of ['ann', 'ben']) {
        const numbers = (member.dataOf('chat:both') as { by: string; n: number }[]).filter((data) => data.by === by)
        expect(numbers.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n))
      }
    }
  })

  test('`lobby` and `default:lobby` are one room, always written `lobby`', async ({ stage, cluster: { one, two } }) => {
    const ann = await (await stage.user(one, 'ann')).join('default:lobby')
    const ben = await (await stage.user(two, 'ben')).join('lobby')
    await ben.ok({ type: 'publish', room: 'default:lobby', data: 1 })
    expect(await ann.message()).toMatchObject({ room: 'lobby', data: 1 })
    expect(await ben.message()).toMatchObject({ room: 'lobby', data: 1 })
    expect(await ann.refused({ type: 'join', room: 'lobby' })).toBe('already_joined')
  })

  test('the gateway passes JSON on as the publisher wrote it', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'ann')
    const ben = await (await stage.user(two, 'ben')).join('chat:digits')
    const texts: string[] = []
    ben.socket.on('message', (message) => texts.push(message.toString()))
    const data = '{"b":12345678901234567890, "a":1.50,"2":0,"1":0,"a":"\\u00e4"}'
    ann.raw(`{"type":"publish","room":"chat:digits","data":${data}}`)
    await ben.message()
    expect(texts.at(-1)).toContain(data)
  })
})

describe('case 60: the sender', () => {
  test('hears its own message, unless it says echo: false; its other connections still do', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:echo')
    const other = await (await stage.user(two, 'ann')).join('chat:echo')
    await ann.ok({ type: 'publish', room: 'chat:echo', data: 'silent', echo: false })
    await ann.ok({ type: 'publish', room: 'chat:echo', data: 'loud' })
    expect(await other.message()).toMatchObject({ data: 'silent' })
    expect(await other.message()).toMatchObject({ data: 'loud' })
    expect(await ann.message()).toMatchObject({ data: 'loud' })
  })

  test('does not hear itself in a namespace without echo, unless the frame asks for it', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await (await stage.user(one, 'ann')).join('quiet:room')
    const ben = await (await stage.user(two, 'ben')).join('quiet:room')
    await ann.ok({ type: 'publish', room: 'quiet:room', data: 'silent' })
    await ann.ok({ type: 'publish', room: 'quiet:room', data: 'asked', echo: true })
    expect(await ann.message()).toMatchObject({ data: 'asked' })
    expect(await ben.message()).toMatchObject({ data: 'silent' })
    expect(await ben.message()).toMatchObject({ data: 'asked' })
  })
})

describe('membership', () => {
  test('ends with `leave`, which is also fine where there is none', async ({ stage, cluster: { one, two } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:left')
    const ben = await (await stage.user(two, 'ben')).join('chat:left')
    await ann.ok({ type: 'leave', room: 'chat:left' })
    await ann.ok({ type: 'leave', room: 'chat:left' })
    await ben.ok({ type: 'publish', room: 'chat:left', data: 1 })
    await ben.message()
    await ann.settled()
    expect(ann.dataOf('chat:left')).toEqual([])
    await ann.join('chat:left')
    await ben.ok({ type: 'publish', room: 'chat:left', data: 2 })
    expect(await ann.message()).toMatchObject({ data: 2 })
  })

  test('is not needed to publish, but where the namespace says so', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'ann')
    const ben = await (await stage.user(two, 'ben')).join('members:room')
    expect(await ann.refused({ type: 'publish', room: 'members:room', data: 1 })).toBe('not_joined')
    await ann.join('members:room')
    await ann.ok({ type: 'publish', room: 'members:room', data: 2 })
    expect(await ben.message()).toMatchObject({ data: 2 })
  })

  test('a second join is refused and changes nothing', async ({ stage, cluster: { one } }) => {
    const ann = await (await stage.user(one, 'ann')).join('chat:twice')
    expect(await ann.refused({ type: 'join', room: 'chat:twice' })).toBe('already_joined')
    await ann.ok({ type: 'publish', room: 'chat:twice', data: 1 })
    await ann.message()
    await ann.settled()
    expect(ann.dataOf('chat:twice')).toEqual([1])
  })
})

describe('rights', () => {
  test('come from the token where the namespace wants them granted', async ({ stage, cluster: { one, two } }) => {
    const grants = { join: ['private:desk', 'private:{user}'], publish: ['private:{user}'] }
    const ann = await stage.user(one, 'ann', { grants })
    await ann.join('private:desk')
    await ann.join('private:ann')
    expect(await ann.refused({ type: 'join', room: 'private:ben' })).toBe('forbidden')
    expect(await ann.refused({ type: 'publish', room: 'private:desk', data: 1 })).toBe('forbidden')
    await ann.ok({ type: 'publish', room: 'private:ann', data: 1 })
    const ben = await stage.user(two, 'ben')
    expect(await ben.refused({ type: 'join', room: 'private:desk' })).toBe('forbidden')
    const all = await stage.user(two, 'root', { grants: { join: ['private:*'], publish: ['private:*'] } })
    await all.join('private:anything')
  })

  test('a user with a colon or a wildcard in the name cannot widen `{user}`', async ({ stage, cluster: { one } }) => {
    const grants = { join: ['{user}', 'private:{user}'] }
    const sly = await stage.user(one, 'private:desk', { grants })
    expect(await sly.refused({ type: 'join', room: 'private:desk' })).toBe('forbidden')
  })

  test('where a service decides, everyone is refused as long as none does', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann', { grants: { join: ['ask:*'], publish: ['ask:*'] } })
    expect(await ann.refused({ type: 'join', room: 'ask:desk' })).toBe('no_service')
    expect(await ann.refused({ type: 'publish', room: 'ask:desk', data: 1 })).toBe('no_service')
  })

  test('a namespace that nobody configured has no rooms', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const room of ['nowhere:desk', '__proto__:desk', 'constructor:desk', 'toString:desk']) {
      expect(await ann.refused({ type: 'join', room })).toBe('unknown_namespace')
      expect(await ann.refused({ type: 'publish', room, data: 1 })).toBe('unknown_namespace')
    }
  })
})
