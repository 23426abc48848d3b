// A load balancer of TCP in front of gateways, as plain ones are: each new connection goes to a target, by chance or in turn, and stays
// there. It knows nothing of WebSocket, and notes when connections were made.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { GatewayProcess } from './gateway.ts'

/** A balancer that a test controls. */
export interface Balancer extends AsyncDisposable {
  /** `ws://…/ws` */
  readonly url: string
  /** Where new connections go; a test adds to it and takes away. */
  readonly targets: GatewayProcess[]
  /** When each connection was made, by `performance.now()`. */
  readonly times: readonly number[]
}

/** Chooses a target for the next connection: its number. */
export type Choice = (targets: number) => number

/** One after the other. */
export function inTurn(): Choice {
  let turn = 0
  return (targets) => turn++ % targets
}

/** By chance. */
export const byChance: Choice = (targets) => Math.floor(Math.random() * targets)

/** Starts a balancer. */
export async function startBalancer(gateways: readonly GatewayProcess[], choose: Choice): Promise<Balancer> {
  const targets = [...gateways]
  const times: number[] = []
  const open = new Set<Socket>()
  const server = createServer((client) => {
    times.push(performance.now())
    const target = targets[choose(targets.length)] as GatewayProcess
    const gateway = connect({ host: '127.0.0.1', port: target.port, noDelay: true })
    client.setNoDelay(true)
    for (const [from, to] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroySoon()
      })
      from.pipe(to)
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    targets,
    times,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await once(server.close(), 'close')
    },
  }
}
