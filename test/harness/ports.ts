// Free ports for processes that cannot choose one themselves. Those that can are given port 0 instead.
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports of this address that nobody listened on a moment ago, each another one. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** The first of `count` free ports that follow each other. */
export async function freePortRange(count: number, host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const [first = 0] = await freePorts(1, host)
    const rest = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(rest.map((port) => isFree(port, host)))
    if (free.every(Boolean)) return first
  }
}

/** Whether a port can be listened on. */
export function isFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
