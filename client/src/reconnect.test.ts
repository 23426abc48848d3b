import { once } from 'node:events'
import { createServer } from 'node:net'
import { CLOSE_CODES } from '@sluice/proto'
import { describe, expect, vi } from 'vitest'
import { WebSocket } from 'ws'
import { library } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { connect } from './connect.ts'

async function scripted(stage: Stage): Promise<ScriptedGateway> {
  return stage.use(await ScriptedGateway.start())
}

function codesThat(...actions: readonly string[]): number[] {
  return Object.entries(CLOSE_CODES).flatMap(([code, { action }]) => (actions.includes(action) ? [Number(code)] : []))
}

const jwt = (exp: number): string =>
  ['{}', JSON.stringify({ exp }), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')

describe('a connection', () => {
  test('tells its states, and comes back after it was lost without a close frame', async ({ stage }) => {
    const gateway = await scripted(stage)
    const { states } = library(stage, gateway.url, { token: 'secret' })
    const first = await gateway.connection(0)
    expect(first.token).toBe('secret')
    await eventually(() => states.at(-1)).toEqual({
      name: 'open',
      session: first.session,
      user: 'ann',
      gateway: 'scripted',
    })
    first.cut()
    const second = await gateway.connection(1)
    await eventually(() => states.at(-1)).toMatchObject({ name: 'open', session: second.session })
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open'])
    expect(states[2]).toEqual({ name: 'waiting', retryInMs: expect.any(Number), code: 1006, reason: '' })
  })

  test.for(codesThat('stop'))('that is closed with %d stays closed, and says so', async (code, { stage }) => {
    const gateway = await scripted(stage)
    const { sluice, states } = library(stage, gateway.url)
    ;(await gateway.connection(0)).close(code, 'why')
    await eventually(() => states.at(-1)).toEqual({ name: 'closed', code, reason: 'why' })
    await expect(sluice.call('method', null)).rejects.toMatchObject({ code: 'closed' })
    expect(() => sluice.room('lobby')).toThrow('closed')
    expect(gateway.connections.length).toBe(1)
  })

  test.for(codesThat('backoff', 'at-once', 'asked', 'token'))(
    'that is closed with %d comes back',
    async (code, { stage }) => {
      const gateway = await scripted(stage)
      const { states } = library(stage, gateway.url)
      const first = await gateway.connection(0)
      if (code === 1006) first.cut()
      else first.close(code)
      const { session } = await gateway.connection(1)
      await eventually(() => states.at(-1)).toMatchObject({ name: 'open', session })
    },
  )

  test('that opens and dies at once is tried ever more rarely', async ({ stage }) => {
    const gateway = await scripted(stage)
    gateway.welcome = (connection) => {
      queueMicrotask(() => connection.cut())
      return {}
    }
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const { states } = library(stage, gateway.url, { backoff: { minMs: 10, maxMs: 10_000, stableMs: 60_000 } })
    await gateway.connection(5)
    random.mockRestore()
    const waits = states.flatMap((state) => (state.name === 'waiting' ? [Math.ceil(state.retryInMs)] : []))
    expect(waits.slice(0, 5)).toEqual([10, 20, 40, 80, 160])
  })

  test('can be made of the package ws, as on Node 20, whose failures harm nobody', async ({ stage }) => {
    const gateway = await scripted(stage)
    let address = 'ws://127.0.0.1:1/ws'
    const { sluice, states } = library(stage, () => address, { WebSocket, token: 'secret' })
    await eventually(() => states.at(-1)?.name).toBe('waiting')
    address = gateway.url
    const first = await gateway.connection(0)
    expect(first.token).toBe('secret')
    await sluice.room('hall').ready()
    first.cut()
    const { session } = await gateway.connection(1)
    await eventually(() => states.at(-1)).toMatchObject({ name: 'open', session })
  })

  test('that gets no welcome is given up in time', async ({ stage }) => {
    const gateway = await scripted(stage)
    gateway.welcome = null
    const { states } = library(stage, gateway.url, { openTimeoutMs: 50 })
    await gateway.connection(1)
    expect(states[1]).toMatchObject({ name: 'waiting', code: 1006, reason: 'no welcome in time' })
  })

  test('that is refused is tried until somebody listens', async ({ stage }) => {
    const server = createServer((socket) => socket.destroy())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const gateway = await scripted(stage)
    let address = `ws://127.0.0.1:${(server.address() as { port: number }).port}/ws`
    const { states } = library(stage, () => address)
    await eventually(() => states.filter(({ name }) => name === 'waiting').length).toBeGreaterThan(1)
    server.close()
    address = gateway.url
    await eventually(() => states.at(-1)?.name).toBe('open')
  })

  test('whose address cannot be had waits like any other', async ({ stage }) => {
    const gateway = await scripted(stage)
    let asked = 0
    const { states } = library(stage, async () => {
      asked++
      if (asked < 3) throw new Error('no address yet')
      return gateway.url
    })
    await eventually(() => states.at(-1)?.name).toBe('open')
    expect(states[1]).toMatchObject({ name: 'waiting', code: null, reason: 'no address yet' })
  })

  test('is ended by close, once, and by an aborted signal', async ({ stage }) => {
    const gateway = await scripted(stage)
    const { sluice, states } = library(stage, gateway.url)
    const first = await gateway.connection(0)
    await eventually(() => states.at(-1)?.name).toBe('open')
    sluice.close('bye')
    sluice.close()
    await eventually(() => first.closed).toBe(1000)
    expect(states.at(-1)).toEqual({ name: 'closed', code: 1000, reason: 'bye' })
    const abort = new AbortController()
    const second = library(stage, gateway.url, { signal: abort.signal })
    await gateway.connection(1)
    abort.abort()
    expect(second.states.at(-1)).toEqual({ name: 'closed', code: 1000, reason: 'aborted' })
    const third = library(stage, gateway.url, { signal: AbortSignal.abort() })
    expect(third.sluice.state.name).toBe('closed')
    expect(gateway.connections.length).toBe(2)
  })
})

test('an address that is none, and a platform without WebSocket, are told at once', () => {
  expect(() => connect('no address')).toThrow(TypeError)
  vi.stubGlobal('WebSocket', undefined)
  expect(() => connect('ws://127.0.0.1:1/ws')).toThrow('WebSocket')
  vi.unstubAllGlobals()
})

describe('a token', () => {
  test.for([
    [3600, 1],
    [0.3, 3],
  ] as const)(
    'that is good for %d s is asked for %d times in a second of attempts',
    async ([seconds, times], { stage }) => {
      const gateway = await scripted(stage)
      gateway.welcome = (connection) => {
        queueMicrotask(() => connection.close(1013))
        return null
      }
      let asked = 0
      const token = (): string => {
        asked++
        return jwt(Date.now() / 1000 + seconds)
      }
      library(stage, gateway.url, { token, backoff: { minMs: 50, maxMs: 50 } })
      const startedAtMs = performance.now()
      await eventually(() => performance.now() - startedAtMs).toBeGreaterThan(1000)
      if (times === 1) expect(asked).toBe(1)
      else expect(asked).toBeGreaterThanOrEqual(times)
      expect(gateway.connections.length).toBeGreaterThan(asked)
    },
  )

  test('is asked for again before a reconnect when the gateway has said that it is about to end', async ({ stage }) => {
    const gateway = await scripted(stage)
    gateway.welcome = () => ({ time: 1_790_000_000_000, expiresAt: 1_790_000_030_000 })
    gateway.play('auth', () => undefined)
    let asked = 0
    library(stage, gateway.url, { token: () => `t${++asked}`, tokenMarginMs: 60_000 })
    ;(await gateway.connection(0)).cut()
    expect((await gateway.connection(1)).token).toBe('t1')
    gateway.welcome = () => ({ time: 1_790_000_000_000, expiresAt: 1_790_000_000_001 })
    gateway.connections[1]?.cut()
    ;(await gateway.connection(2)).cut()
    expect((await gateway.connection(3)).token).not.toBe('t1')
  })

  test('that was refused is replaced; two refusals in a row end it', async ({ stage }) => {
    const gateway = await scripted(stage)
    let asked = 0
    const { states } = library(stage, gateway.url, { token: () => `t${++asked}` })
    ;(await gateway.connection(0)).close(4002)
    const second = await gateway.connection(1)
    expect(second.token).toBe('t2')
    gateway.welcome = (connection) => {
      queueMicrotask(() => connection.close(4001, 'no'))
      return null
    }
    second.close(4001)
    await eventually(() => states.at(-1)).toEqual({ name: 'closed', code: 4001, reason: 'no' })
    expect(gateway.connections.map(({ token }) => token)).toEqual(['t1', 't2', 't3'])
  })

  test('that cannot be had is asked for again, later', async ({ stage }) => {
    const gateway = await scripted(stage)
    let asked = 0
    const { states } = library(stage, gateway.url, {
      token: async () => {
        asked++
        if (asked === 1) throw new Error('the shop is closed')
        if (asked === 2) return 7 as never
        return 'fine'
      },
    })
    await eventually(() => states.at(-1)?.name).toBe('open')
    expect(states.filter(({ name }) => name === 'waiting')).toMatchObject([
      { code: null, reason: 'the shop is closed' },
      { code: null, reason: 'a token is a text, or null' },
    ])
  })

  test('that takes for ever is given up, and its request aborted', async ({ stage }) => {
    const gateway = await scripted(stage)
    const signals: AbortSignal[] = []
    const { states } = library(stage, gateway.url, {
      tokenTimeoutMs: 30,
      token: ({ signal }) => {
        signals.push(signal)
        return signals.length === 1 ? new Promise(() => undefined) : 'fine'
      },
    })
    await eventually(() => states.at(-1)?.name).toBe('open')
    expect(states[1]).toMatchObject({ name: 'waiting', reason: 'no token in time' })
    expect(signals[0]?.aborted).toBe(true)
  })

  test('that fits into no subprotocol is the first frame', async ({ stage }) => {
    const gateway = await scripted(stage)
    gateway.welcome = null
    gateway.play('auth', (frame, connection) =>
      connection.send({ type: 'welcome', session: 's.1', user: String(frame.token) }),
    )
    const { states } = library(stage, gateway.url, { token: 'öpaque token' })
    await eventually(() => states.at(-1)).toMatchObject({ name: 'open', user: 'öpaque token' })
    expect(gateway.connections[0]?.token).toBeUndefined()
  })

  test('is refreshed in place before its end, again and again', async ({ stage }) => {
    const gateway = await scripted(stage)
    const time = 1_790_000_000_000
    gateway.welcome = () => ({ time, expiresAt: time + 400 })
    gateway.play('auth', (frame, connection) =>
      connection.ok(frame, { expiresAt: time + 400 * (2 + connection.of('auth').length) }),
    )
    let asked = 0
    const { states } = library(stage, gateway.url, { token: () => `t${++asked}` })
    const connection = await gateway.connection(0)
    await connection.next('auth', 3)
    expect(connection.of('auth').map(({ token }) => token)).toEqual(['t2', 't3', 't4'])
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'open'])
  })

  test('whose refresh fails is tried again while the connection stays', async ({ stage }) => {
    const gateway = await scripted(stage)
    const time = 1_790_000_000_000
    gateway.welcome = () => ({ time, expiresAt: time + 200 })
    gateway.play('auth', (frame, connection) => {
      if (connection.of('auth').length < 3) connection.refuse(frame, 'unavailable')
      else connection.ok(frame)
    })
    let asked = 0
    const { states } = library(stage, gateway.url, {
      token: () => {
        asked++
        if (asked === 2) throw new Error('not now')
        return `t${asked}`
      },
    })
    const connection = await gateway.connection(0)
    await connection.next('auth', 3)
    expect(states.at(-1)?.name).toBe('open')
  })
})

describe('a hint that the network is back', () => {
  test('ends the wait', async ({ stage }) => {
    const gateway = await scripted(stage)
    const wakes: (() => void)[] = []
    vi.stubGlobal('addEventListener', (type: string, listener: () => void) => type === 'online' && wakes.push(listener))
    vi.stubGlobal('removeEventListener', () => undefined)
    const { states } = library(stage, gateway.url, { backoff: { minMs: 600_000, maxMs: 600_000 } })
    vi.unstubAllGlobals()
    const first = await gateway.connection(0)
    await eventually(() => states.at(-1)?.name).toBe('open')
    first.cut()
    await eventually(() => states.at(-1)?.name).toBe('waiting')
    await eventually(() => {
      wakes[0]?.()
      return states.at(-1)?.name
    }).toBe('open')
  })
})
