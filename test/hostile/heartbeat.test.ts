import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { OPCODE, wireFrame } from '../harness/raw-socket.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster({ settings: { limits: { heartbeatMs: 1000, silenceMs: 2000 } } })

test('a peer that answers no ping is closed with 4009 after silenceMs', async ({ stage, cluster: { one } }) => {
  const dead = await stage.raw(one, 'dead')
  await eventually(() => dead.texts.length).toBe(1)
  const since = performance.now()
  expect(await dead.closeCode()).toBe(4009)
  const after = performance.now() - since
  expect(after).toBeGreaterThan(1700)
  expect(after).toBeLessThan(4000)
  expect(dead.frames.filter(({ opcode }) => opcode === OPCODE.ping)).toHaveLength(1)
})

test('a peer that shows life stays, be it by pongs, by frames or by pings of its own', async ({
  stage,
  cluster: { one },
}) => {
  const ponging = await stage.user(one, 'ponging')
  const framing = await stage.user(one, 'framing', { autoPong: false })
  const pinging = await stage.raw(one, 'pinging')
  const pings = { ponging: 0, framing: 0 }
  ponging.socket.on('ping', () => pings.ponging++)
  framing.socket.on('ping', () => pings.framing++)
  let sent = 0
  while (pings.ponging < 3) {
    sent++
    pinging.write(wireFrame({ opcode: OPCODE.ping, payload: `${sent}` }))
    await framing.settled()
    await pause(300)
  }
  await ponging.settled()
  expect(pings.framing).toBe(0)
  await eventually(() => pinging.frames.filter(({ opcode }) => opcode === OPCODE.pong).length).toBe(sent)
  expect(pinging.ended).toBe(false)
})

test('a peer that the gateway itself did not read from gets its time again', async ({ stage, cluster }) => {
  const ann = await stage.user(cluster.one, 'held')
  cluster.nats.freeze()
  // As many as may be in flight, so reading pauses, and nothing more comes when it begins again.
  for (let id = 1; id <= 64; id++) ann.send({ id, type: 'publish', room: 'chat:held', data: id })
  await pause(3000)
  cluster.nats.thaw()
  await ann.next(({ id }) => id === 64)
  // It is looked at again within heartbeatMs.
  await pause(1400)
  expect(ann.close).toBeNull()
  await ann.settled()
})

test('a gateway that was stopped itself takes nobody for dead', async ({ stage, cluster: { two } }) => {
  const ann = await (await stage.user(two, 'ann')).join('chat:stopped')
  two.child.signal('SIGSTOP')
  await pause(2800)
  two.child.signal('SIGCONT')
  // Some ticks of its wheel, in which it would close who seems silent.
  await pause(800)
  expect(ann.close).toBeNull()
  await ann.ok({ type: 'publish', room: 'chat:stopped', data: 1 })
  expect(await ann.message()).toMatchObject({ data: 1 })
})
