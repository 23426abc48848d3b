// A peer: the least that a Node server can do. Each message, whatever it says, makes it write one prebuilt frame to each of its
// connections, with one `net.Socket.write`: the cost of that is U. Not imported: the benchmark starts it.
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { messagePayload, messageText, textFrame } from '../message.ts'
import { MESSAGE_BYTES, roomName } from '../scenarios.ts'
import { connectNats, hearRooms, listen, peerArguments } from './peer.ts'

/** RFC 6455, 1.3. */
const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const options = peerArguments()
const frame = textFrame(messageText(roomName(0), messagePayload(MESSAGE_BYTES, 0)))
const connections = new Set<Socket>()

const nats = await connectNats(options)
hearRooms(nats, options, () => {
  for (const socket of connections) socket.write(frame)
})
await nats.flush()

listen((request, socket) => {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT_GUID}`).digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const client = socket as Socket
  client.setNoDelay(true)
  client.resume()
  connections.add(client)
  client.on('close', () => connections.delete(client))
  client.on('error', () => client.destroy())
})
