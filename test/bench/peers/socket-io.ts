// A peer: a node of a Socket.IO cluster over the Redis adapter. As a door it hears NATS and emits to rooms; as a node it holds the
// clients, and hears of the room's messages through the adapter alone. Not imported: the benchmark starts it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { roomName } from '../scenarios.ts'
import { connectNats, hearRooms, type PeerArguments } from './peer.ts'
import { requireOfPeers } from './require-of-peers.ts'

/** What a node is started with. */
export interface SocketIoArguments extends PeerArguments {
  readonly redisPort: number
  readonly role: 'door' | 'node'
}

interface Client {
  readonly handshake: { readonly query: { readonly rooms?: string } }
  join(rooms: readonly string[]): void
}
interface Server {
  on(event: 'connection', listener: (client: Client) => void): void
  to(room: string): { emit(event: string, data: object): void }
}
interface Redis {
  connect(): Promise<unknown>
  duplicate(): Redis
}

const options = JSON.parse(process.argv[2] ?? '{}') as SocketIoArguments
const { Server } = requireOfPeers('socket.io') as { Server: new (http: object, settings: object) => Server }
const { createAdapter } = requireOfPeers('@socket.io/redis-adapter') as {
  createAdapter(publisher: Redis, subscriber: Redis): object
}
const { createClient } = requireOfPeers('redis') as { createClient(settings: object): Redis }

const publisher = createClient({ socket: { host: '127.0.0.1', port: options.redisPort } })
const subscriber = publisher.duplicate()
await Promise.all([publisher.connect(), subscriber.connect()])
const http = createServer()
const server = new Server(http, {
  transports: ['websocket'],
  perMessageDeflate: false,
  // A ping in one slice and not in the next is noise.
  pingInterval: 3_600_000,
  adapter: createAdapter(publisher, subscriber),
})
server.on('connection', (client) => client.join((client.handshake.query.rooms ?? '').split(',')))
if (options.role === 'door') {
  const nats = await connectNats(options)
  hearRooms(nats, options, (room, message) => {
    server.to(String(room)).emit('message', { room: roomName(room), data: JSON.parse(message.string()) })
  })
  await nats.flush()
}
http.listen(0, '127.0.0.1', () => console.log((http.address() as AddressInfo).port))
