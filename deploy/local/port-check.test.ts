import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type PortOwner, portConflicts, takenPorts } from './port-check.ts'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function listen(host: string): Promise<number> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

function owner(name: string, port: number, option = '--port'): PortOwner {
  return { name, ports: [{ port, option }] }
}

test('a taken port is told with its number, who wanted it and the option that changes it', async () => {
  const port = await listen('127.0.0.1')
  const [sentence, ...others] = await takenPorts([owner('gateway-2', port, '--admin-port')], '127.0.0.1')
  expect(others).toEqual([])
  expect(sentence).toContain(`port ${port} is taken`)
  expect(sentence).toContain('gateway-2')
  expect(sentence).toContain('--admin-port=')
})

test('a port that is taken on all addresses is taken here too', async () => {
  const port = await listen('0.0.0.0')
  expect(await takenPorts([owner('nats-server', port)], '127.0.0.1')).toHaveLength(1)
})

test('all taken ports are told together, and free ones are not', async () => {
  const first = await listen('127.0.0.1')
  const second = await listen('127.0.0.1')
  const free = await listen('127.0.0.1')
  await new Promise((resolve) => servers.pop()?.close(resolve))
  const owners = [owner('a', first), owner('b', second), owner('c', free)]
  expect(await takenPorts(owners, '127.0.0.1')).toHaveLength(2)
})

test('looking at a port leaves it free', async () => {
  const port = await listen('127.0.0.1')
  await new Promise((resolve) => servers.pop()?.close(resolve))
  expect(await takenPorts([owner('a', port)], '127.0.0.1')).toEqual([])
  expect(await takenPorts([owner('a', port)], '127.0.0.1')).toEqual([])
})

test('two processes that would get one port are told before anything else', () => {
  const [sentence] = portConflicts([owner('gateway-1', 9080), owner('gateway-2', 9080, '--admin-port')])
  expect(sentence).toContain('gateway-1 and gateway-2')
  expect(sentence).toContain('9080')
  expect(sentence).toContain('--admin-port')
})

test('counting up past the last port is told', () => {
  expect(portConflicts([owner('gateway-2', 65_536)])[0]).toContain('65535')
})
