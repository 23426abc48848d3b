// The client library in a process that trusts an authority of a test, as the system's own trust cannot be changed in one that runs: connects,
// joins, publishes, and prints what it heard. Everything comes from the environment, as it holds a token.
import { connect } from '@sluice/client'

const { GATEWAY = '', TOKEN = '' } = process.env
const sluice = connect(GATEWAY, { token: TOKEN, backoff: { minMs: 50, maxMs: 200 } })
const room = sluice.room('chat:tls')
room.on('message', ({ from, data }) => process.stdout.write(`heard ${from}: ${JSON.stringify(data)}\n`))
await room.ready()
await room.publish('over TLS')
