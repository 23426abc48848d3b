import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { createLink } from '@sluice/service/nats/link'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { type Child, startChild } from '../harness/child.ts'
import { recordedEvents } from '../harness/link-events.ts'
import { freePorts } from '../harness/ports.ts'

const HOST = '127.0.0.1'

let folder: string
const children: Child[] = []
const addresses: string[] = []
const clients: NatsConnection[] = []

// A cluster of two, whose members know of each other what they tell their clients.
beforeAll(async () => {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: () => undefined })
  folder = mkdtempSync(join(tmpdir(), 'sluice-lame-duck-'))
  const [one, two, routeOne, routeTwo] = await freePorts(4)
  const routes = `routes: [ "nats://${HOST}:${routeOne}", "nats://${HOST}:${routeTwo}" ]`
  for (const [port, route] of [
    [one, routeOne],
    [two, routeTwo],
  ]) {
    const config = join(folder, `${port}.conf`)
    const cluster = `cluster { name: "test", listen: "${HOST}:${route}", ${routes} }`
    writeFileSync(
      config,
      `listen: "${HOST}:${port}"\nserver_name: "n${port}"\nlame_duck_grace_period: "10s"\n${cluster}\n`,
    )
    addresses.push(`${HOST}:${port}`)
    children.push(startChild({ command: program, args: ['-c', config], env: {} }))
  }
  await Promise.all(children.map((child) => child.line((line) => line.includes('Server is ready'), 'readiness')))
  await Promise.all(
    children.map((child) => child.line((line) => line.includes('Route connection created'), 'the route')),
  )
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()))
  await Promise.all(children.map((child) => child.kill()))
  rmSync(folder, { recursive: true })
})

test('a link leaves a server that is about to stop for another one, once, and is heard there', async () => {
  const connection = await connect({
    servers: addresses,
    noRandomize: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 50,
  })
  const other = await connect({ servers: addresses[1] as string })
  clients.push(connection, other)
  const events = recordedEvents()
  const link = createLink(connection, events, { confirmWaitMs: 5000, drainWaitMs: 1000 })
  const heard: string[] = []
  link.subscribe('room', (message) => heard.push(Buffer.from(message.data).toString()))
  expect(await link.confirm()).toBe(true)
  expect(connection.getServer()).toBe(addresses[0])

  // As `nats-server --signal ldm` does it.
  children[0]?.signal('SIGUSR2')
  await vi.waitFor(() => expect(events.leave).not.toBe(null))
  expect([link.connected, events.log]).toEqual([true, ['lame duck']])

  const leave = events.leave as () => void
  leave()
  await vi.waitFor(() => expect(events.log).toEqual(['lame duck', 'down', 'up']), { timeout: 10_000 })
  expect(connection.getServer()).toBe(addresses[1])
  expect(await link.confirm()).toBe(true)
  other.publish('room', 'hi')
  await vi.waitFor(() => expect(heard).toEqual(['hi']))

  // The server may have said so twice.
  leave()
  expect(await link.confirm()).toBe(true)
  expect(events.log).toEqual(['lame duck', 'down', 'up'])

  await link.drain()
  expect(leave).not.toThrow()
})
