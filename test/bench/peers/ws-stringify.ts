// A peer: what tutorials do. The message is parsed, and printed again for each member. Not imported: the benchmark starts it.
import { WebSocket } from 'ws'
import { roomName } from '../scenarios.ts'
import { serveRooms } from './ws-rooms.ts'

await serveRooms((members, room, payload) => {
  const data: unknown = JSON.parse(Buffer.from(payload).toString())
  for (const member of members) {
    if (member.readyState !== WebSocket.OPEN) continue
    member.send(JSON.stringify({ type: 'message', room: roomName(room), data }))
  }
})
