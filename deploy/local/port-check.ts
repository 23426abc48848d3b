// Looks whether the ports of a local run are free before anything is started, so that a taken port is one clear sentence and
// not a crash loop. It holds none of them.
import { connect, createServer } from 'node:net'
import type { PortClaim } from './processes.ts'

/** A process with the ports that it wants. */
export interface PortOwner {
  readonly name: string
  readonly ports: readonly PortClaim[]
}

/**
 * Sentences about ports that two processes of the run want at once, or that don't exist.
 *
 * @returns empty if the options agree with each other
 */
export function portConflicts(owners: readonly PortOwner[]): string[] {
  const conflicts: string[] = []
  const first = new Map<number, string>()
  for (const { name, ports } of owners) {
    for (const { port, option } of ports) {
      const other = first.get(port)
      if (port > 65_535)
        conflicts.push(`${name} would get port ${port}, and ports end at 65535: choose a lower ${option}`)
      else if (other !== undefined)
        conflicts.push(`${other} and ${name} would both get port ${port}: choose another ${option}`)
      else first.set(port, name)
    }
  }
  return conflicts
}

/**
 * Sentences about ports that something else holds, each naming the port, who wanted it and the option that changes it.
 *
 * @param host - the address that the processes will bind to
 * @returns empty if all are free
 */
export async function takenPorts(owners: readonly PortOwner[], host: string): Promise<string[]> {
  const claims = owners.flatMap(({ name, ports }) => ports.map((claim) => ({ name, ...claim })))
  const sentences = await Promise.all(
    claims.map(async ({ name, port, option }) => {
      const fault = await portFault(port, host)
      return fault === null ? null : `port ${port} ${fault}; ${name} wanted it. Choose another with ${option}=…`
    }),
  )
  return sentences.filter((sentence) => sentence !== null)
}

async function portFault(port: number, host: string): Promise<string | null> {
  // Binding alone is not enough: macOS lets an address be bound while another program listens on all addresses.
  if (await answers(port, host)) return 'is taken'
  return await bindFault(port, host)
}

function answers(port: number, host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port, host, timeout: 1_000 })
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  socket.once('timeout', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

function bindFault(port: number, host: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const server = createServer()
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') resolve('is taken')
    else resolve(error.code === 'EACCES' ? 'may not be used by this user' : `cannot be used (${error.message})`)
  })
  server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)))
  return promise
}
