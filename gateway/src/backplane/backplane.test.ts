import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { recordedEvents } from '../../../test/harness/link-events.ts'
import { type NatsOptions, type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { type Backplane, type BackplaneOptions, connectBackplane } from './backplane.ts'
import type { Inbound } from './inbound.ts'

const OPTIONS: Omit<BackplaneOptions, 'url'> = {
  name: 'sluice-gateway test',
  tls: {},
  payloadBytesMax: 1000,
  presence: false,
  frameBytesMax: 1000,
  random: () => 0,
  nowMs: () => performance.now(),
}

const resources: (() => PromiseLike<unknown>)[] = []
afterEach(async () => {
  for (const end of resources.splice(0).reverse()) await end()
})

async function connected(url: string, options: Partial<BackplaneOptions> = {}) {
  const events = recordedEvents()
  const backplane = await connectBackplane({ ...OPTIONS, ...options, url: [url] }, events, new AbortController().signal)
  if (backplane === null) throw new Error('not connected')
  resources.push(() => backplane.drain())
  return { backplane, events }
}

describe('a message from NATS', () => {
  let nats: NatsServer
  let service: NatsConnection
  beforeAll(async () => {
    nats = await startNats()
    service = await nats.connect()
  })
  afterAll(() => nats[Symbol.asyncDispose]())

  async function listening(): Promise<{
    backplane: Backplane
    events: ReturnType<typeof recordedEvents>
    heard: [Inbound, string][]
  }> {
    const { backplane, events } = await connected(nats.url)
    const heard: [Inbound, string][] = []
    backplane.listen('sluice.room.chat.*', (message, subject) => heard.push([message, subject]))
    expect(await backplane.confirm()).toBe(true)
    return { backplane, events, heard }
  }

  test('is delivered checked and untouched, with the subject that it came on', async () => {
    const { heard } = await listening()
    service.publish('sluice.room.chat.a', '{"text": "hi"}')
    const bytes = headers()
    bytes.set('Content-Type', 'application/octet-stream')
    bytes.set('Sluice-From', 'a=20b')
    service.publish('sluice.room.chat.b', Uint8Array.of(0, 255), { headers: bytes })
    await vi.waitFor(() => expect(heard).toHaveLength(2))
    expect(heard.map(([{ payload, binary, from }, subject]) => [subject, binary, from, Buffer.from(payload)])).toEqual([
      ['sluice.room.chat.a', false, null, Buffer.from('{"text": "hi"}')],
      ['sluice.room.chat.b', true, 'a b', Buffer.from([0, 255])],
    ])
  })

  test('that cannot be delivered is told with its reason, and the next one is heard', async () => {
    const { events, heard } = await listening()
    const text = headers()
    text.set('Content-Type', 'text/plain')
    const from = headers()
    from.set('Sluice-From', 'not a token')
    service.publish('sluice.room.chat.a', '')
    service.publish('sluice.room.chat.a', 'hello')
    service.publish('sluice.room.chat.a', Uint8Array.of(0x22, 0xff, 0x22))
    service.publish('sluice.room.chat.a', `"${'x'.repeat(999)}"`)
    service.publish('sluice.room.chat.a', '{}', { headers: text })
    service.publish('sluice.room.chat.a', '{}', { headers: from })
    service.publish('sluice.room.chat.a', '"good"')
    await vi.waitFor(() => expect(heard).toHaveLength(1))
    expect(events.log).toEqual(
      ['empty', 'not_json', 'not_utf8', 'too_large', 'content_type', 'bad_header'].map(
        (reason) => `dropped ${reason} sluice.room.chat.a`,
      ),
    )
  })

  test.each(['NATS/1.0\r\nno header\r\n: empty\r\nbad name: x\r\n\r\n', 'NATS/1.0\r\nA: x\ry\r\n\r\n'])(
    'whose headers no client of a library would write is dropped as such (%j)',
    async (block) => {
      const { events, heard } = await listening()
      const { hostname, port } = new URL(nats.url)
      const socket = connectSocket(Number(port), hostname)
      const payload = '{}'
      socket.write(
        `CONNECT {"verbose":false,"headers":true}\r\nHPUB sluice.room.chat.a ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\nPUB sluice.room.chat.a 1\r\n1\r\n`,
      )
      await vi.waitFor(() => expect(heard).toHaveLength(1))
      socket.destroy()
      expect(events.log).toEqual(['dropped bad_header sluice.room.chat.a'])
    },
  )
})

describe('credentials', () => {
  const password = (): string => randomBytes(12).toString('hex')

  async function withPassword(
    first: string,
  ): Promise<{ nats: NatsServer; passwordFile: string; options: (password: string) => NatsOptions }> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-backplane-'))
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, first)
    const options = (word: string): NatsOptions => ({ users: [{ user: 'gateway', password: word }] })
    const nats = await startNats(options(first))
    resources.push(async () => {
      await nats[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    })
    return { nats, passwordFile, options }
  }

  test('that were rotated are read again at the reconnect, without a restart', async () => {
    const [one, two] = [password(), password()]
    const { nats, passwordFile, options } = await withPassword(one)
    const { backplane, events } = await connected(nats.url, { user: 'gateway', passwordFile })
    await nats.stop()
    await vi.waitFor(() => expect(backplane.connected).toBe(false))
    writeFileSync(passwordFile, two)
    await nats.start(options(two))
    await vi.waitFor(() => expect(backplane.connected).toBe(true), { timeout: 10_000 })
    expect(await backplane.confirm()).toBe(true)
    expect(events.log).toEqual(['down', 'up'])
  })

  test('that became wrong are told, tried again, and work as soon as they are right', async () => {
    const [one, two] = [password(), password()]
    const { nats, passwordFile, options } = await withPassword(one)
    const { backplane, events } = await connected(nats.url, { user: 'gateway', passwordFile })
    await nats.stop()
    await nats.start(options(two))
    await vi.waitFor(() => expect(events.log.filter((word) => word === 'authorization').length).toBeGreaterThan(2), {
      timeout: 10_000,
    })
    expect(events.log).not.toContain('up')
    expect(backplane.publish('x', Buffer.from('1'))).toBe(false)
    writeFileSync(passwordFile, two)
    await vi.waitFor(() => expect(backplane.connected).toBe(true), { timeout: 10_000 })
    expect(events.log.at(-1)).toBe('up')
    expect(events.log).not.toContain('closed')
  })
})

describe('permissions', () => {
  test('that do not let us hear a subject are known before the confirmation', async () => {
    const permissions = 'permissions: { subscribe: { deny: ["secret.>"] } }'
    const nats = await startNats({
      lines: [`authorization { users: [{ user: "gateway", password: "word", ${permissions} }] }`],
    })
    resources.push(() => nats[Symbol.asyncDispose]())
    const { backplane, events } = await connected(nats.url, { user: 'gateway', password: 'word' })
    const [denied, allowed] = [
      backplane.listen('secret.room', () => undefined),
      backplane.listen('open.room', () => undefined),
    ]
    expect(await backplane.confirm()).toBe(true)
    expect([denied.denied, allowed.denied]).toEqual([true, false])
    await vi.waitFor(() => expect(events.errors).toHaveLength(1))
    expect(events.errors[0]?.message).toMatch(/Permissions Violation for Subscription to "secret.room"/i)
    expect(backplane.connected).toBe(true)
  })

  test('that do not let us publish are known before the confirmation, for each publish once', async () => {
    const permissions = 'permissions: { publish: { deny: ["closed.>"] } }'
    const nats = await startNats({
      lines: [`authorization { users: [{ user: "gateway", password: "word", ${permissions} }] }`],
    })
    resources.push(() => nats[Symbol.asyncDispose]())
    const { backplane } = await connected(nats.url, { user: 'gateway', password: 'word' })
    // Many times: what counts is that the refusal never comes after the answer.
    for (let round = 0; round < 200; round++) {
      for (const subject of ['closed.room', 'open.room', 'closed.room']) {
        expect(backplane.publish(subject, Buffer.from('1'))).toBe(true)
      }
      expect(await backplane.confirm()).toBe(true)
      const told = ['closed.room', 'open.room', 'closed.room', 'closed.room'].map((subject) =>
        backplane.takeDenial(subject),
      )
      expect(told).toEqual([true, false, true, false])
    }
  })
})

test('a gateway that is told to stop while it waits for NATS has no backplane', async () => {
  const nats = await startNats()
  await nats.kill()
  resources.push(() => nats[Symbol.asyncDispose]())
  const stop = new AbortController()
  const events = recordedEvents()
  const connecting = connectBackplane({ ...OPTIONS, url: [nats.url] }, events, stop.signal)
  await vi.waitFor(() => expect(events.log).toContain('retry 1 connection refused'))
  stop.abort()
  expect(await connecting).toBe(null)
})
