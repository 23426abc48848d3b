// Answers calls of clients. Run it as often as you like: each call goes to one of those that run.
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, headers, type Msg } from '@nats-io/transport-node'
import { nameOf } from './names.ts'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

interface Order {
  readonly owner: string
  readonly state: string
}

const orders = new Map<unknown, Order>([[7, { owner: 'alice', state: 'shipped' }]])

/** In place of a database, which is asked no longer than the caller waits. */
async function find(id: unknown, signal: AbortSignal): Promise<Order | undefined> {
  await sleep(5, undefined, { signal })
  return orders.get(id)
}

/** The client gets `service_error`, with this text as `message` and the body as `details`. */
function refuse(call: Msg, code: number, text: string, details: object): void {
  const sent = headers()
  sent.set('Nats-Service-Error-Code', `${code}`)
  sent.set('Nats-Service-Error', text)
  call.respond(JSON.stringify(details), { headers: sent })
}

async function getOrder(call: Msg): Promise<void> {
  // Headers are the gateway's: no client can set them. The payload is whatever a client has sent.
  const user = nameOf(call.headers?.get('Sluice-From') ?? '')
  const signal = AbortSignal.timeout(Number(call.headers?.get('Sluice-Deadline-Ms')))
  const { id } = call.json<{ id?: unknown }>()
  const order = await find(id, signal)
  console.log(`${user} asks for order ${id}`)
  if (order?.owner !== user) refuse(call, 404, 'no such order', { id })
  else call.respond(JSON.stringify({ id, state: order.state }))
}

// Those that share the queue group share the calls.
const calls = nats.subscribe('sluice.call.orders.get', { queue: 'orders' })
console.log('answering')
for await (const call of calls) {
  getOrder(call).catch(() => refuse(call, 400, 'an id is needed', {}))
}
