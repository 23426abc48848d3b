// What the peers share: they hear the gateway's subjects under a prefix of their own, and a client says its rooms in the address
// of the upgrade. Nothing here is on the path of a delivery.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { createSubjects } from '@sluice/proto'
import { roomName } from '../scenarios.ts'

/** What a peer is started with, as JSON in its first argument. */
export interface PeerArguments {
  readonly natsPort: number
  readonly prefix: string
  readonly rooms: number
}

/** Reads the arguments of this process. */
export function peerArguments(): PeerArguments {
  return JSON.parse(process.argv[2] ?? '{}') as PeerArguments
}

/** Connects to NATS. */
export function connectNats({ natsPort }: PeerArguments): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${natsPort}` })
}

/** Hears every room. */
export function hearRooms(
  nats: NatsConnection,
  { prefix, rooms }: PeerArguments,
  hear: (room: number, message: Msg) => void,
): void {
  const subjects = createSubjects(prefix)
  for (let room = 0; room < rooms; room++) {
    const subject = subjects.room({ namespace: 'default', local: roomName(room) } as Parameters<
      typeof subjects.room
    >[0])
    nats.subscribe(subject, { callback: (_, message) => hear(room, message) })
  }
}

/** Takes upgrades, and prints the port when it listens. */
export function listen(
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer, rooms: readonly number[]) => void,
): void {
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const { searchParams } = new URL(request.url ?? '/', 'ws://peer')
    upgrade(request, socket, head, (searchParams.get('rooms') ?? '').split(',').map(Number))
  })
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
}
