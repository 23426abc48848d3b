// A peer: the careful use of ws. The frame's text is built once, and `ws.send(Buffer)` called for each member. Not imported: the
// benchmark starts it.
import type { WebSocket } from 'ws'
import { messageText } from '../message.ts'
import { roomName } from '../scenarios.ts'
import { serveRooms } from './ws-rooms.ts'

const TEXT = { binary: false }

await serveRooms((members: readonly WebSocket[], room, payload) => {
  const text = messageText(roomName(room), payload)
  for (const member of members) member.send(text, TEXT)
})
