import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { copiesOf, countCopies } from '../harness/nats-copies.ts'
import { test } from '../harness/stage.ts'

describe('a message costs NATS', () => {
  test('one copy in, and one out for each gateway with a member, however many members there are', async ({ stage }) => {
    const count = 25
    const { spent, deliveries, publishes } = await countCopies((resource) => stage.use(resource), count)
    expect(spent).toEqual([
      { sent: 0, got: count },
      { sent: 0, got: count },
      { sent: count, got: 0 },
    ])
    expect(deliveries).toBe(10 * count)
    expect(publishes).toBe(count)
  })

  test('one copy out for a gateway with a member of all rooms, whatever rooms it has other members in', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, wildcard: true }
    const settings = { readiness: { probeMs: 600_000, graceMs: 3_600_000 }, namespaces: { chat: open } }
    const one = await stage.gateway(nats, { settings })
    const two = await stage.gateway(nats, { settings })
    const inRoom = await (await stage.user(one, 'ann')).join('chat:r0')
    const inAll = await (await stage.user(one, 'ben')).join('chat:*')
    const inBoth = await (await (await stage.user(one, 'eve')).join('chat:*')).join('chat:r1')
    await eventually(async () => (await nats.gatewaySubjects()).filter((one) => one.includes('chat'))).toEqual([
      'sluice.room.chat.*',
    ])
    const outside = await stage.user(two, 'dan')
    const before = await copiesOf(nats)
    const count = 30
    for (let n = 0; n < count; n++) await outside.ok({ type: 'publish', room: `chat:r${n % 3}`, data: n })
    const heard = ({ frames }: typeof inAll): number => frames.filter(({ type }) => type === 'message').length
    for (const member of [inAll, inBoth]) await eventually(() => heard(member)).toBe(count)
    await eventually(() => heard(inRoom)).toBe(count / 3)
    const after = await copiesOf(nats)
    expect(after.map(({ got }, at) => got - (before[at]?.got ?? 0))).toEqual([count, 0])
  })

  test('two prefixes on one NATS hear nothing of each other', async ({ stage }) => {
    const nats = await stage.nats()
    const blue = await stage.gateway(nats, { settings: { nats: { prefix: 'blue' } } })
    const green = await stage.gateway(nats, { settings: { nats: { prefix: 'green' } } })
    const ann = await (await stage.user(blue, 'ann')).join('chat:lobby')
    const ben = await (await stage.user(green, 'ben')).join('chat:lobby')
    await ann.ok({ type: 'publish', room: 'chat:lobby', data: 'blue' })
    await ben.ok({ type: 'publish', room: 'chat:lobby', data: 'green' })
    await ann.message()
    await ben.message()
    await Promise.all([ann.settled(), ben.settled()])
    expect(ann.dataOf('chat:lobby')).toEqual(['blue'])
    expect(ben.dataOf('chat:lobby')).toEqual(['green'])
    const subjects = await nats.gatewaySubjects()
    expect(subjects.filter((subject) => !/^(blue|green)\./.test(subject))).toEqual([])
  })
})
