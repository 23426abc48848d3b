import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { recordedEvents } from '../../../test/harness/link-events.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { startNatsProxy } from '../../../test/harness/nats-proxy.ts'
import { createLink } from './link.ts'

let nats: NatsServer
let other: NatsConnection
const connections: NatsConnection[] = []

beforeAll(async () => {
  nats = await startNats()
  other = await nats.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 })
})
afterEach(async () => {
  nats.thaw()
  for (const connection of connections.splice(0)) await connection.close()
})
afterAll(() => nats[Symbol.asyncDispose]())

async function link({ url = nats.url, confirmWaitMs = 5000, drainWaitMs = 3000 } = {}) {
  const connection = await connect({
    servers: url,
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectDelayHandler: () => 50,
    noAsyncTraces: true,
  })
  connections.push(connection)
  const events = recordedEvents()
  return { connection, events, made: createLink(connection, events, { confirmWaitMs, drainWaitMs }) }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe('a subscription', () => {
  test('whose callback throws deafens nobody, itself included', async () => {
    const { made, events } = await link()
    const heard: string[] = []
    made.subscribe('fault.a', (message) => {
      heard.push(`a${text(message.data)}`)
      throw new Error('ours')
    })
    made.subscribe('fault.b', (message) => heard.push(`b${text(message.data)}`))
    expect(await made.confirm()).toBe(true)
    for (let at = 0; at < 3; at++) {
      other.publish('fault.a', `${at}`)
      other.publish('fault.b', `${at}`)
    }
    await vi.waitFor(() => expect(heard).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2']))
    expect(events.faults).toHaveLength(3)
    expect(events.faults[0]).toMatchObject({ error: new Error('ours'), subject: 'fault.a' })
    expect(await made.confirm()).toBe(true)
  })

  test('hears nothing after its end, and is counted while it is open', async () => {
    const { made } = await link()
    const heard: string[] = []
    const one = made.subscribe('ended', (message) => heard.push(text(message.data)))
    const two = made.subscribe('open', (message) => heard.push(text(message.data)))
    expect(made.subscriptions).toBe(2)
    one.unsubscribe()
    one.unsubscribe()
    expect(made.subscriptions).toBe(1)
    await made.confirm()
    other.publish('ended', 'no')
    other.publish('open', 'yes')
    await vi.waitFor(() => expect(heard).toEqual(['yes']))
    two.unsubscribe()
    expect(made.subscriptions).toBe(0)
  })
})

describe('a publish', () => {
  test('arrives as it is, with its headers', async () => {
    const { made } = await link()
    const arrived = new Promise<[string, string[]]>((resolve) => {
      other.subscribe('sent', {
        callback: (_, message) => resolve([text(message.data), message.headers?.keys().sort() ?? []]),
        max: 1,
      })
    })
    await other.flush()
    expect(
      made.publish('sent', Buffer.from('{"a": 1}'), [
        ['B', '2'],
        ['A', '1'],
      ]),
    ).toBe(true)
    expect(await arrived).toEqual(['{"a": 1}', ['A', 'B']])
  })

  test('that is larger than the server takes is refused, told, and harms nothing', async () => {
    const { made, events } = await link()
    expect(made.publish('large', Buffer.alloc(2 * 1024 * 1024))).toBe(false)
    expect(events.errors).toHaveLength(1)
    expect(made.publish('small', Buffer.from('x'))).toBe(true)
    expect(await made.confirm()).toBe(true)
  })

  test('with a header that could smuggle in another is refused and told', async () => {
    const { made, events } = await link()
    expect(made.publish('headers', Buffer.from('x'), [['A', 'x\r\nB: y']])).toBe(false)
    expect(events.errors).toHaveLength(1)
    expect(await made.confirm()).toBe(true)
  })
})

describe('a confirmation', () => {
  test('is one ping for all joins and publishes of a turn', async () => {
    await using proxy = await startNatsProxy(nats.url)
    const { made } = await link({ url: proxy.url })
    await made.confirm()
    const before = proxy.pings
    const asked = Array.from({ length: 100 }, (_, at) => {
      made.subscribe(`turn.${at}`, () => undefined)
      made.publish(`turn.${at}`, Buffer.from('x'))
      return made.confirm()
    })
    expect(await Promise.all(asked)).toEqual(asked.map(() => true))
    expect(proxy.pings - before).toBe(1)
  })

  test('comes after what was published before it has been taken', async () => {
    const { made } = await link()
    const heard: number[] = []
    made.subscribe('own', (message) => heard.push(Number(text(message.data))))
    for (let at = 0; at < 1000; at++) made.publish('own', Buffer.from(`${at}`))
    await made.confirm()
    await vi.waitFor(() => expect(heard).toHaveLength(1000))
    expect(heard).toEqual([...heard].sort((a, b) => a - b))
  })

  test('is refused within its wait where NATS is frozen, and given again when it has thawed', async () => {
    const { made } = await link({ confirmWaitMs: 200 })
    nats.freeze()
    // The process stops a moment after the signal.
    await vi.waitFor(async () => expect(await made.confirm()).toBe(false), { timeout: 5000 })
    const before = performance.now()
    expect(await made.confirm()).toBe(false)
    expect(performance.now() - before).toBeGreaterThan(190)
    expect(performance.now() - before).toBeLessThan(2000)
    nats.thaw()
    expect(await made.confirm()).toBe(true)
  })

  test('is refused where the connection breaks before the answer', async () => {
    await using proxy = await startNatsProxy(nats.url)
    const { made } = await link({ url: proxy.url, confirmWaitMs: 60_000 })
    proxy.silence()
    const asked = made.confirm()
    await vi.waitFor(() => expect(proxy.pings).toBe(2))
    proxy.cut()
    expect(await asked).toBe(false)
  })
})

describe('while NATS is away', () => {
  test('publishes and confirmations fail at once, and afterwards all is as it was (case 62)', async () => {
    const { made, events } = await link()
    const heard: string[] = []
    made.subscribe('before', (message) => heard.push(`before ${text(message.data)}`))
    expect(await made.confirm()).toBe(true)

    await nats.kill()
    await vi.waitFor(() => expect(made.connected).toBe(false))
    expect(events.log).toEqual(['down'])
    expect(made.publish('before', Buffer.from('lost'))).toBe(false)
    expect(await made.confirm()).toBe(false)
    made.subscribe('meanwhile', (message) => heard.push(`meanwhile ${text(message.data)}`))
    const gone = made.subscribe('gone', (message) => heard.push(`gone ${text(message.data)}`))
    gone.unsubscribe()

    await nats.start()
    await vi.waitFor(() => expect(made.connected).toBe(true), { timeout: 10_000 })
    expect(await made.confirm()).toBe(true)
    await vi.waitFor(() => other.flush(), { timeout: 10_000 })
    for (const subject of ['before', 'meanwhile', 'gone']) other.publish(subject, 'after')
    await vi.waitFor(() => expect(heard).toHaveLength(2))
    expect(heard.sort()).toEqual(['before after', 'meanwhile after'])
    expect(events.log).toEqual(['down', 'up'])
    expect(made.publish('before', Buffer.from('x'))).toBe(true)
  })
})

describe('the end of a link', () => {
  test('that the client gives up is told: the process must end', async () => {
    const { connection, made, events } = await link()
    await connection.close()
    await vi.waitFor(() => expect(events.log).toEqual(['closed']))
    expect(made.connected).toBe(false)
    expect(made.publish('x', Buffer.from('x'))).toBe(false)
    expect(await made.confirm()).toBe(false)
  })

  test('that we ask for delivers what was published, and is no fault', async () => {
    const { connection, made, events } = await link()
    const heard: string[] = []
    other.subscribe('last', { callback: (_, message) => void heard.push(text(message.data)) })
    await other.flush()
    for (let at = 0; at < 100; at++) made.publish('last', Buffer.from(`${at}`))
    await made.drain()
    expect(connection.isClosed()).toBe(true)
    await vi.waitFor(() => expect(heard).toHaveLength(100))
    expect(made.connected).toBe(false)
    expect(made.publish('last', Buffer.from('late'))).toBe(false)
    expect(events.log).toEqual([])
  })

  test('takes no longer than its wait where NATS is silent', async () => {
    await using proxy = await startNatsProxy(nats.url)
    const { connection, made, events } = await link({ url: proxy.url, drainWaitMs: 200 })
    proxy.silence()
    const before = performance.now()
    await made.drain()
    expect(performance.now() - before).toBeLessThan(2000)
    expect(connection.isClosed()).toBe(true)
    expect(events.log).toEqual([])
  })

  test.each([0, 1])('comes also where the connection breaks in the middle, with %i subscriptions', async (count) => {
    await using proxy = await startNatsProxy(nats.url)
    const { connection, made } = await link({ url: proxy.url, drainWaitMs: 10_000 })
    for (let at = 0; at < count; at++) made.subscribe('x', () => undefined)
    await made.confirm()
    const before = proxy.pings
    proxy.silence()
    const drained = made.drain()
    await vi.waitFor(() => expect(proxy.pings).toBeGreaterThan(before))
    proxy.cut()
    await drained
    expect(connection.isClosed()).toBe(true)
  })

  test('comes at once while NATS is away', async () => {
    const { connection, made } = await link({ drainWaitMs: 60_000 })
    await nats.kill()
    await vi.waitFor(() => expect(made.connected).toBe(false))
    await made.drain()
    expect(connection.isClosed()).toBe(true)
    await nats.start()
  })
})
