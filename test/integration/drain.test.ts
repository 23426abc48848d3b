import { describe, expect } from 'vitest'
import { refusedUpgrade } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'

describe('case 34: SIGTERM', () => {
  test('ends readiness first, refuses upgrades, spreads closes with 1012 over the window, and exits 0', async ({
    stage,
  }) => {
    const nats = await stage.nats()
    const windowMs = 3000
    const moveMs = windowMs / 3
    const gateway = await stage.gateway(nats, { settings: { drain: { windowMs } } })
    const count = 40
    const clients = await Promise.all(Array.from({ length: count }, (_, n) => stage.user(gateway, `user-${n}`)))
    for (const client of clients.slice(-5)) await client.join('chat:drain')
    const closedAt: number[] = []
    for (const client of clients) void client.closed.then(() => closedAt.push(performance.now()))
    const startedAt = performance.now()
    gateway.child.signal('SIGTERM')
    await gateway.logged('draining')
    expect(await gateway.readyz()).toEqual({ status: 503, reasons: ['draining'] })
    expect(await refusedUpgrade(gateway.url)).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.any(String) },
    })
    expect((await gateway.metrics()).value('draining')).toBe(1)
    // Those who are not closed yet are served as before.
    const [last] = clients.slice(-1)
    await last?.ok({ type: 'publish', room: 'chat:drain', data: 1 })
    expect(await last?.message()).toMatchObject({ data: 1 })

    for (const client of clients) expect(await client.closed).toMatchObject({ code: 1012 })
    for (const { frames } of clients)
      expect(frames.filter(({ type }) => type === 'move')).toMatchObject([
        { afterMs: moveMs, reason: 'service restart' },
      ])
    expect(await gateway.child.exited).toEqual({ code: 0, signal: null })
    const times = closedAt.map((time) => time - startedAt)
    const spreadMs = windowMs - moveMs
    for (let quarter = 0; quarter < 4; quarter++) {
      const share = times.filter(
        (time) => time > moveMs + (quarter * spreadMs) / 4 && time <= moveMs + ((quarter + 1) * spreadMs) / 4 + 60,
      )
      expect(share.length).toBeGreaterThan(count / 8)
      expect(share.length).toBeLessThan(count / 2.2)
    }
    expect(gateway.log.at(-1)?.msg).toBe('drained')
  })

  test('delivers what was accepted before the close', async ({ stage }) => {
    const nats = await stage.nats()
    const [draining, other] = [await stage.gateway(nats), await stage.gateway(nats)]
    const ann = await stage.user(draining, 'ann')
    const ben = await (await stage.user(other, 'ben')).join('chat:last')
    for (let n = 0; n < 50; n++) ann.send({ type: 'publish', room: 'chat:last', data: n, id: n + 1 })
    await ann.next(({ id }) => id === 1)
    draining.child.signal('SIGTERM')
    await ann.closed
    const oks = ann.frames.filter(({ type }) => type === 'ok').length
    await eventually(() => ben.dataOf('chat:last').length).toBeGreaterThanOrEqual(oks)
  })

  test('twice exits at once', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats(), { settings: { drain: { windowMs: 60_000 } } })
    const clients = await Promise.all(['ann', 'ben', 'eve'].map((name) => stage.user(gateway, name)))
    gateway.child.signal('SIGTERM')
    await gateway.logged('draining')
    const secondAt = performance.now()
    gateway.child.signal('SIGTERM')
    const { code } = await gateway.child.exited
    expect(code).not.toBeNull()
    expect(performance.now() - secondAt).toBeLessThan(2000)
    for (const client of clients) expect([1006, 1012]).toContain((await client.closed).code)
  })

  test('while NATS is away ends cleanly too', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats)
    const ann = await stage.user(gateway, 'ann')
    await nats.stop()
    await gateway.logged('NATS is away')
    gateway.child.signal('SIGTERM')
    expect(await ann.closed).toMatchObject({ code: 1012 })
    expect(await gateway.child.exited).toEqual({ code: 0, signal: null })
  })

  test('does not wait for a peer that answers no close, nor for one that reads nothing', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats(), { settings: { drain: { windowMs: 0, marginMs: 10_000 } } })
    const deaf = await stage.raw(gateway, 'deaf')
    deaf.socket.pause()
    const ann = await stage.user(gateway, 'ann')
    gateway.child.signal('SIGTERM')
    expect(await ann.closed).toMatchObject({ code: 1012 })
    expect(ann.frames.at(-1)).toEqual({ type: 'move', afterMs: 0, reason: 'service restart' })
    expect(await gateway.child.exited).toEqual({ code: 0, signal: null })
  })
})

describe('SIGKILL', () => {
  test('loses the sockets of one gateway and nothing else', async ({ stage }) => {
    const nats = await stage.nats()
    const killed = await stage.gateway(nats)
    const other = await stage.gateway(nats)
    const ann = await (await stage.user(killed, 'ann')).join('chat:killed')
    const ben = await (await stage.user(other, 'ben')).join('chat:killed')
    await killed.child.kill()
    expect((await ann.closed).code).toBe(1006)
    const again = await (await stage.user(other, 'ann')).join('chat:killed')
    await again.ok({ type: 'publish', room: 'chat:killed', data: 1 })
    expect(await ben.message()).toMatchObject({ data: 1 })
  })
})
