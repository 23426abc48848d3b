// Rooms on a plain ws server: what the peers that use ws share. What they do for a delivery is their own.
import { type WebSocket, WebSocketServer } from 'ws'
import { connectNats, hearRooms, listen, peerArguments } from './peer.ts'

/** Gives a message to the members of a room. */
export type Broadcast = (members: readonly WebSocket[], room: number, payload: Uint8Array) => void

/** Serves clients, and hands each message from NATS to `broadcast`. */
export async function serveRooms(broadcast: Broadcast): Promise<void> {
  const options = peerArguments()
  const members = Array.from({ length: options.rooms }, (): WebSocket[] => [])
  const nats = await connectNats(options)
  hearRooms(nats, options, (room, message) => broadcast(members[room] ?? [], room, message.data))
  await nats.flush()

  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false })
  listen((request, socket, head, rooms) => {
    server.handleUpgrade(request, socket, head, (client) => {
      for (const room of rooms) members[room]?.push(client)
      client.on('close', () => {
        for (const room of rooms) members[room] = (members[room] ?? []).filter((member) => member !== client)
      })
    })
  })
}
