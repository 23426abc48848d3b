// The client library in a process of its own, which a test can stop as a frozen tab or a slept laptop is stopped. It says what it is
// told, a JSON value a line; its settings are variables: GATEWAY, TOKEN, ROOM, OPTIONS.
import { connect } from '@sluice/client'

const { GATEWAY = '', TOKEN = '', ROOM = '', OPTIONS = '{}' } = process.env
const say = (event: string, value: unknown): void => console.log(JSON.stringify({ event, value }))

const sluice = connect(GATEWAY, { token: TOKEN, ...JSON.parse(OPTIONS) })
sluice.on('state', (state) => say('state', state))
sluice.on('error', (error) => say('error', String(error)))
const room = sluice.room(ROOM)
for (const event of ['message', 'recovered', 'gap', 'fault'] as const) room.on(event, (value) => say(event, value))
room.on('state', (state) => say('room', state))
