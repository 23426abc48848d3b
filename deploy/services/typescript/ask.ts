// Questions that routers answer: who is in a room, where a user is, what there is.
import { connect } from '@nats-io/transport-node'
import { ApiError, ask } from './api.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

interface Presence {
  readonly count: number
  readonly members: readonly { readonly user: string; readonly connections: number }[]
}

const { count, members } = await ask<Presence>(nats, 'presence', { room: 'chat:lobby', limit: 100 })
console.log(`chat:lobby has ${count} members: ${members.map(({ user }) => user).join(' ')}`)

const { counts } = await ask<{ counts: Record<string, { members: number }> }>(nats, 'count', {
  rooms: ['chat:lobby', 'chat:garden'],
})
console.log(`chat:garden has ${counts['chat:garden']?.members ?? 0} members`)

const { rooms } = await ask<{ rooms: readonly { room: string }[]; next?: string }>(nats, 'rooms', {
  namespace: 'chat',
  limit: 100,
})
console.log(`rooms of chat: ${rooms.map(({ room }) => room).join(' ')}`)

const alice = await ask<{ connections: number; rooms: readonly string[] }>(nats, 'user', { user: 'alice' })
console.log(`alice has ${alice.connections} connection and is in ${alice.rooms.join(' ')}`)

const { gateways } = await ask<{ gateways: readonly object[] }>(nats, 'gateways')
console.log(`gateways: ${gateways.length}`)

try {
  await ask(nats, 'presence', { room: '' })
} catch (error) {
  if (!(error instanceof ApiError)) throw error
  console.log(`refused: ${error.code}`)
}

await nats.drain()
