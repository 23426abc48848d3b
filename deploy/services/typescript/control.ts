// What services have done to connections: put into rooms, taken out, moved, closed. `node control.ts [session to close]`
import { connect } from '@nats-io/transport-node'
import { ApiError, ask } from './api.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

interface Done {
  /** To how many this request did it: 0 where it was so already. */
  readonly connections: number
  /** Gateways that live and have not answered in time. */
  readonly silent?: number
}

// All connections of a user; clients are told by `added` and `removed`. No grant of theirs is needed, and none is given.
const joined = await ask<Done>(nats, 'join', { user: 'alice', room: 'chat:garden' })
const left = await ask<Done>(nats, 'leave', { user: 'alice', room: 'chat:garden', reason: 'closing time' })
console.log(`alice: joined ${joined.connections}, left ${left.connections}`)

// One connection.
const session = process.argv[2]
if (session !== undefined) {
  const closed = await ask<Done>(nats, 'disconnect', { session, reason: 'one of too many' })
  console.log(`session: closed ${closed.connections}`)
}

// All of a user, and no token that was issued before now is let in again.
const notBefore = Math.floor(Date.now() / 1000)
const banned = await ask<Done>(nats, 'disconnect', { user: 'bob', reason: 'banned', notBefore })
console.log(`bob: closed ${banned.connections}`)

// One connection of a gateway, to another one.
const { gateways } = await ask<{ gateways: readonly { gateway: string }[] }>(nats, 'gateways')
const moved = await ask<Done>(nats, 'move', { gateway: gateways[0]?.gateway, connections: 1 })
console.log(`moved ${moved.connections}`)

try {
  await ask(nats, 'move', { gateway: 'gone' })
} catch (error) {
  if (!(error instanceof ApiError)) throw error
  console.log(`refused: ${error.code}`)
}

await nats.drain()
