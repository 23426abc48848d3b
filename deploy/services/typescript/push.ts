// Live pushes: whoever is there now gets them, and nobody learns of a loss. `node push.ts [session to leave out]`
import { connect, headers } from '@nats-io/transport-node'
import { token } from './names.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

// Everyone in chat:lobby, and every connection of alice on every gateway.
nats.publish('sluice.room.chat.lobby', JSON.stringify({ text: 'from a service' }))
nats.publish('sluice.user.alice', JSON.stringify({ unread: 3 }))

// A name with other characters than A-Z a-z 0-9 _ - is written as a token.
nats.publish(`sluice.room.chat.${token('Team A.1')}`, JSON.stringify({ text: 'to Team A.1' }))

// All else is in headers: what it is, from whom, and a key by which clients know it again.
const described = headers()
described.set('Sluice-Event', 'order.shipped')
described.set('Sluice-From', token('the shop'))
described.set('Sluice-Key', 'order-7')
nats.publish('sluice.room.chat.lobby', JSON.stringify({ order: 7 }), { headers: described })

// Bytes in place of JSON.
const bytes = headers()
bytes.set('Content-Type', 'application/octet-stream')
nats.publish('sluice.room.chat.lobby', new Uint8Array([0, 255]), { headers: bytes })

// Everyone but bob, on all of his connections; or everyone but one connection.
const notBob = headers()
notBob.set('Sluice-Exclude-User', token('bob'))
nats.publish('sluice.room.chat.lobby', JSON.stringify({ text: 'not for bob' }), { headers: notBob })

const session = process.argv[2]
if (session !== undefined) {
  const notHere = headers()
  notHere.set('Sluice-Exclude-Session', token(session))
  nats.publish('sluice.room.chat.lobby', JSON.stringify({ text: 'elsewhere' }), { headers: notHere })
}

// Many users or rooms: one publish for each. They leave together, and one flush proves that NATS has taken them all.
for (const user of ['alice', 'bob', 'carol']) {
  nats.publish(`sluice.user.${token(user)}`, JSON.stringify({ maintenance: '22:00' }))
}
await nats.flush()
console.log('NATS has taken everything')

await nats.drain()
