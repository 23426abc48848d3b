import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { library } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { platform } from './ambient.ts'
import { SluiceClient } from './sluice-client.ts'

async function scripted(stage: Stage, heartbeatMs: number): Promise<ScriptedGateway> {
  const gateway = stage.use(await ScriptedGateway.start())
  gateway.welcome = () => ({ heartbeatMs })
  return gateway
}

describe('a silent gateway', () => {
  test('is asked, and left alone while it answers', async ({ stage }) => {
    const gateway = await scripted(stage, 600)
    const { states } = library(stage, gateway.url)
    const first = await gateway.connection(0)
    await first.next('ping', 3)
    expect(states.at(-1)?.name).toBe('open')
    expect(gateway.connections.length).toBe(1)
  })

  test('that does not answer is given up, and another socket opened', async ({ stage }) => {
    const gateway = await scripted(stage, 40)
    gateway.play('ping', () => undefined)
    const { states } = library(stage, gateway.url)
    const first = await gateway.connection(0)
    await gateway.connection(1)
    expect(first.of('ping').length).toBe(1)
    expect(states[2]).toMatchObject({ name: 'waiting', code: 1006, reason: 'no sign of life' })
    await eventually(() => first.closed).toBe(4009)
  })

  test('is not asked while messages come', async ({ stage }) => {
    const gateway = await scripted(stage, 1000)
    library(stage, gateway.url)
    const first = await gateway.connection(0)
    const endsAtMs = performance.now() + 1500
    while (performance.now() < endsAtMs) {
      first.send({ type: 'message', room: 'elsewhere', data: 1 })
      await pause(30)
    }
    expect(first.of('ping')).toEqual([])
  })
})

describe('a process that stood still', () => {
  test('asks at once when it goes on, long before the heartbeat, and gives a dead socket up soon', async ({
    stage,
  }) => {
    const gateway = await scripted(stage, 25_000)
    gateway.play('ping', () => undefined)
    const real = platform() ?? expect.fail('no WebSocket here')
    let asleepMs = 0
    // A timer that is due fires when the process goes on. Here the clock goes on, and the looks, else five seconds apart, find that.
    const ambient = {
      ...real,
      nowMs: () => real.nowMs() + asleepMs,
      timer: (delayMs: number, fire: () => void) => real.timer(delayMs <= 5000 ? Math.min(delayMs, 30) : delayMs, fire),
    }
    const sluice = new SluiceClient(gateway.url, { probeMs: 60, backoff: { minMs: 10 } }, ambient)
    stage.use({ [Symbol.asyncDispose]: async () => sluice.close() })
    const first = await gateway.connection(0)
    await eventually(() => sluice.state.name).toBe('open')
    expect(first.of('ping')).toEqual([])
    asleepMs = 180_000
    await first.next('ping')
    await gateway.connection(1)
    await eventually(() => sluice.state).toMatchObject({ name: 'open', session: gateway.connections[1]?.session })
  })

  test('trusts no message that lay in the socket meanwhile', async ({ stage }) => {
    const gateway = await scripted(stage, 25_000)
    const real = platform() ?? expect.fail('no WebSocket here')
    let asleepMs = 0
    const ambient = { ...real, nowMs: () => real.nowMs() + asleepMs }
    const sluice = new SluiceClient(gateway.url, {}, ambient)
    stage.use({ [Symbol.asyncDispose]: async () => sluice.close() })
    const first = await gateway.connection(0)
    await eventually(() => sluice.state.name).toBe('open')
    asleepMs = 180_000
    first.send({ type: 'message', room: 'elsewhere', data: 1 })
    await first.next('ping')
  })
})
