// What presence survives: frozen gateways, restarts of NATS, reads through what has not heard of a write yet; and how long a question
// takes beside traffic.
import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const settings = { namespaces: { default: { ...open, presence: true } }, presence: { lingerMs: 1000 } }
const watch = { type: 'join', room: 'lobby', presence: true }

function told({ frames }: Client): string[] {
  return frames.flatMap(({ type, member }) =>
    type === 'joined' || type === 'left' ? `${type} ${(member as { user: string }).user}` : [],
  )
}

async function count(service: NatsConnection, room: string): Promise<unknown> {
  const message = await service.request('sluice.api.presence', JSON.stringify({ room }), { timeout: 2000 })
  return message.json<{ count: number }>().count
}

test('a gateway that was frozen for longer than the lease declares nobody dead when it wakes, and announces itself anew', {
  timeout: 90_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  await stage.router(nats)
  const [one, two] = await Promise.all([
    stage.gateway(nats, { settings, expectErrors: true }),
    stage.gateway(nats, { settings, expectErrors: true }),
  ])
  const service = await nats.connect()
  const [ann, ben] = [await stage.user(one, 'ann'), await stage.user(two, 'ben')]
  await ann.ok(watch)
  await ben.ok(watch)
  await eventually(() => told(ann)).toEqual(['joined ben'])
  one.child.signal('SIGSTOP')
  await eventually(() => told(ben), 14_000).toEqual(['left ann'])
  one.child.signal('SIGCONT')
  await eventually(() => told(ben), 15_000).toEqual(['left ann', 'joined ann'])
  await eventually(() => count(service, 'lobby'), 10_000).toBe(2)
  // To it ben was there all the time; of its own users it tells what the others saw.
  expect(told(ann).filter((event) => event.endsWith('ben'))).toEqual(['joined ben'])
})

test('case 50: twenty restarts of NATS leave one live follower of each kind, and no update is missed', {
  timeout: 120_000,
}, async ({ stage }) => {
  const nats = await stage.nats()
  await stage.router(nats)
  const [one, two] = await Promise.all([
    stage.gateway(nats, { settings, expectErrors: true }),
    stage.gateway(nats, { settings, expectErrors: true }),
  ])
  const ann = await stage.user(one, 'ann')
  await ann.ok(watch)
  const before = (await nats.gatewaySubjects()).length
  for (let at = 0; at < 20; at++) {
    await nats.stop()
    await nats.start()
  }
  for (const gateway of [one, two]) {
    await eventually(async () => (await gateway.metrics()).value('nats_connected'), 20_000).toBe(1)
  }
  const ben = await stage.user(two, 'ben')
  await eventually(() => ben.request({ type: 'join', room: 'lobby' }, 5000).then(({ type }) => type), 15_000).toBe('ok')
  await eventually(() => told(ann), 15_000).toEqual(['joined ben'])
  // The user who came adds a subject for itself and one for the room on that gateway, and nothing else has.
  await eventually(async () => (await nats.gatewaySubjects()).length, 10_000).toBeLessThanOrEqual(before + 2)
})

test('case 52: an answer is never older than the write that the question names', async ({ stage }) => {
  const nats = await stage.nats()
  await Promise.all([stage.router(nats), stage.router(nats)])
  const gateway = await stage.gateway(nats, { settings })
  const ann = await stage.user(gateway, 'ann')
  for (let at = 0; at < 30; at++) {
    const { members } = await ann.ok({ type: 'join', room: `room${at}`, presence: true })
    expect(members).toEqual([{ user: 'ann', connections: 1 }])
    expect(await ann.ok({ type: 'presence', room: `room${at}` })).toMatchObject({ count: 1 })
  }
})

test('a question is answered in under 50 ms at p99 beside traffic', { timeout: 60_000 }, async ({ stage }) => {
  const nats = await stage.nats()
  await Promise.all([stage.router(nats), stage.router(nats)])
  const gateway = await stage.gateway(nats, { settings })
  const service = await nats.connect()
  const people = await Promise.all(Array.from({ length: 50 }, (_, at) => stage.user(gateway, `user${at}`)))
  await Promise.all(people.map((client) => client.join('lobby')))
  await eventually(() => count(service, 'lobby')).toBe(50)
  let busy = true
  const traffic = (async () => {
    for (let at = 0; busy; at++) {
      const client = people[at % people.length] as Client
      client.send({ type: 'publish', room: 'lobby', data: at })
      await client.request({ type: at % 2 === 0 ? 'leave' : 'join', room: `other${at % 7}` }).catch(() => null)
    }
  })()
  const times: number[] = []
  for (let at = 0; at < 500; at++) {
    const startedAt = performance.now()
    await count(service, 'lobby')
    times.push(performance.now() - startedAt)
  }
  busy = false
  await traffic
  times.sort((a, b) => a - b)
  expect(times[Math.floor(times.length * 0.99)]).toBeLessThan(50)
})
