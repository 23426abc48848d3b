// Has routers publish: into rooms and to users by their names, whether they keep a history or not, in one request, with a receipt.
import { randomUUID } from 'node:crypto'
import { connect } from '@nats-io/transport-node'
import { ask } from './api.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

interface Published {
  /** Of one message that was stored. */
  readonly offset?: number
  readonly duplicate?: boolean
  /** Of a list. */
  readonly published?: number
  readonly receipt?: { gateways: number; connections: number; written: number; skipped: number }
}

// To how many it went: for whom it was, and whose queue has taken it.
const { receipt } = await ask<Published>(nats, 'publish', {
  room: 'chat:lobby',
  event: 'order.shipped',
  data: { order: 7 },
  exclude: { user: 'bob' },
  receipt: true,
})
console.log(`written to ${receipt?.written} of ${receipt?.connections} on ${receipt?.gateways} gateway`)

// The same request again, as after a time-out, is done once and answered alike.
const id = randomUUID()
const request = { room: 'chat:lobby', data: { text: 'once' } }
const first = await ask<Published>(nats, 'publish', request, id)
const again = await ask<Published>(nats, 'publish', request, id)
console.log(`the same place: ${first.offset === again.offset}`)

// Many rooms or users in one request, up to 1000.
const rooms = await ask<Published>(nats, 'publish', { rooms: ['chat:lobby', 'chat:Team A.1', 'lobby'], data: 'all' })
const users = await ask<Published>(nats, 'publish', { users: ['alice', 'bob'], data: { unread: 3 }, ephemeral: true })
console.log(`into ${rooms.published} rooms, to ${users.published} users`)

await nats.drain()
