// Stored pushes: kept in the history of a room or in a user's inbox, unacknowledged or acknowledged.
import { randomUUID } from 'node:crypto'
import { jetstream, type PubAck } from '@nats-io/jetstream'
import { connect, errors, headers } from '@nats-io/transport-node'
import { token } from './names.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })
const js = jetstream(nats)

/** Stores a message once: where no answer comes, the same id is sent again, and the stream knows it for two minutes. */
function store(room: string, id: string, data: unknown): Promise<PubAck> {
  // The window of ids is one for all rooms of a namespace, so the room stands in front of ours.
  const msgID = `${token(room)}/${id}`
  return js.publish(`sluice.pub.room.chat.${token(room)}`, JSON.stringify(data), { msgID, timeout: 2000, retries: 5 })
}

// Unacknowledged: probably stored.
nats.publish('sluice.pub.room.chat.lobby', JSON.stringify({ text: 'probably kept' }))

// Acknowledged: stored, and where. The same message again is stored once.
const order = randomUUID()
const first = await store('lobby', order, { text: 'kept' })
console.log(`stored in ${first.stream}`)
const again = await store('lobby', order, { text: 'kept' })
console.log(`again: duplicate ${again.duplicate}, same place ${again.seq === first.seq}`)

// Kept from bob, who gets `withheld` in its place: his chain of offsets stays whole.
const notBob = headers()
notBob.set('Sluice-Exclude-User', token('bob'))
await js.publish('sluice.pub.room.chat.lobby', JSON.stringify({ text: 'kept from bob' }), { headers: notBob })

// A user's inbox: the user gets it now, or when it comes back.
const inbox = await js.publish('sluice.pub.user.alice', JSON.stringify({ invoice: 9 }), { msgID: `alice/${order}` })
console.log(`stored in ${inbox.stream}`)

// Many rooms: all are under way at once, each is answered.
const acks = await Promise.all(
  ['lobby', 'garden', 'Team A.1'].map((room) => store(room, `${order}-all`, { all: true })),
)
console.log(`stored ${acks.length} messages`)

// Nobody answers where no history is kept.
try {
  await js.publish('sluice.pub.room.default.lobby', '{}', { timeout: 2000 })
} catch (error) {
  const cause = (error as Error).cause
  if (!(cause instanceof errors.RequestError && cause.isNoResponders())) throw error
  console.log('default keeps no history')
}

await nats.drain()
