// Questions that routers answer: who is in a room, where a user is, what there is.
import { connect } from '@nats-io/transport-node'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

class ApiError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Asks, and throws an ApiError with the code of the answer, or what the client throws where nobody answers. */
async function ask<answer>(verb: string, question: object = {}): Promise<answer> {
  const message = await nats.request(`sluice.api.${verb}`, JSON.stringify(question), { timeout: 2000 })
  const body = message.json<answer & { code: string; message: string }>()
  if (message.headers?.has('Nats-Service-Error-Code')) throw new ApiError(body.code, body.message)
  return body
}

interface Presence {
  readonly count: number
  readonly members: readonly { readonly user: string; readonly connections: number }[]
}

const { count, members } = await ask<Presence>('presence', { room: 'chat:lobby', limit: 100 })
console.log(`chat:lobby has ${count} members: ${members.map(({ user }) => user).join(' ')}`)

const { counts } = await ask<{ counts: Record<string, { members: number }> }>('count', {
  rooms: ['chat:lobby', 'chat:garden'],
})
console.log(`chat:garden has ${counts['chat:garden']?.members ?? 0} members`)

const { rooms } = await ask<{ rooms: readonly { room: string }[]; next?: string }>('rooms', {
  namespace: 'chat',
  limit: 100,
})
console.log(`rooms of chat: ${rooms.map(({ room }) => room).join(' ')}`)

const alice = await ask<{ connections: number; rooms: readonly string[] }>('user', { user: 'alice' })
console.log(`alice has ${alice.connections} connection and is in ${alice.rooms.join(' ')}`)

const { gateways } = await ask<{ gateways: readonly object[] }>('gateways')
console.log(`there is ${gateways.length} gateway`)

try {
  await ask('presence', { room: '' })
} catch (error) {
  if (!(error instanceof ApiError)) throw error
  console.log(`refused: ${error.code}`)
}

await nats.drain()
