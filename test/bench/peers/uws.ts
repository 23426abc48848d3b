// A peer: uWebSockets.js, where a build of it is: rooms are its topics, and `publish` is its own fan-out in C++. Not imported: the
// benchmark starts it.
import { messageText } from '../message.ts'
import { roomName } from '../scenarios.ts'
import { connectNats, hearRooms, peerArguments } from './peer.ts'
import { requireOfPeers } from './require-of-peers.ts'

interface Upgrade {
  upgrade(data: object, key: string, protocol: string, extensions: string, context: unknown): void
}
interface Request {
  getQuery(name: string): string
  getHeader(name: string): string
}
interface Client {
  getUserData(): { readonly rooms: string }
  subscribe(topic: string): boolean
}
interface App {
  ws(path: string, behaviour: object): App
  publish(topic: string, text: Uint8Array, binary: boolean): boolean
  listen(host: string, port: number, done: (token: unknown) => void): App
}
interface Library {
  App(): App
  us_socket_local_port(token: unknown): number
}

const library = requireOfPeers('@btc-vision/uwebsockets.js') as Library
const options = peerArguments()
const app = library.App().ws('/*', {
  compression: 0,
  idleTimeout: 0,
  maxBackpressure: 1024 * 1024,
  upgrade(response: Upgrade, request: Request, context: unknown) {
    const header = (name: string): string => request.getHeader(`sec-websocket-${name}`)
    const data = { rooms: request.getQuery('rooms') }
    response.upgrade(data, header('key'), header('protocol'), header('extensions'), context)
  },
  open(client: Client) {
    for (const room of client.getUserData().rooms.split(',')) client.subscribe(room)
  },
})
const nats = await connectNats(options)
hearRooms(nats, options, (room, { data }) => app.publish(String(room), messageText(roomName(room), data), false))
await nats.flush()
app.listen('127.0.0.1', 0, (token) => console.log(library.us_socket_local_port(token)))
