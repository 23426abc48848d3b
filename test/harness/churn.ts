// Clients and a service that do everything once and go: sign-ins, rooms of all kinds, watchers, wildcards, calls, acts of services, and
// sockets that end in every way. What they leave behind is for the test to find. Names are new each time, so that what is kept by name shows.
import type { NatsConnection } from '@nats-io/transport-node'
import { Client } from './client.ts'
import { api } from './services.ts'
import type { Doorway } from './stage.ts'
import { makeToken } from './tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, wildcard: true }

/** `default` has presence, `chat` presence and a short history, `asked` rights that a service gives. */
export const CHURN_SETTINGS = {
  namespaces: {
    default: { ...open, presence: true },
    chat: { ...open, presence: true, history: { messages: 20, seconds: 3600 } },
    asked: { join: { who: 'service' }, publish: { who: 'service' } },
  },
  presence: { lingerMs: 500 },
}

/** See {@link churn}. */
export interface ChurnOptions {
  readonly gateway: Doorway
  readonly service: NatsConnection
  readonly clients: number
  /** At the same time. */
  readonly width: number
  /** Makes names of their own. */
  readonly cycle: string
}

/** Rooms of a history stay as long as the history does: there are so many of them, whatever the cycle. */
const KEPT_ROOMS = 40
const ANSWER_MS = 20_000

/**
 * Lets clients come and go.
 *
 * @returns how many requests were answered `ok`
 */
export async function churn({ gateway, service, clients, width, cycle }: ChurnOptions): Promise<number> {
  let [next, answered] = [0, 0]
  const worker = async (): Promise<void> => {
    for (let n = next++; n < clients; n = next++) {
      const done = await visit(gateway, service, `${cycle}-${n}`, n)
      answered += done
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return answered
}

async function visit(gateway: Doorway, service: NatsConnection, name: string, n: number): Promise<number> {
  const token = await makeToken(name, { grants: { send: ['*'], call: ['*'] } })
  const client = new Client(gateway.url, { token, encoding: n % 2 === 0 ? 'json' : 'msgpack' })
  await client.opened(ANSWER_MS)
  await client.welcome(ANSWER_MS)
  const answers = requests(name, n).map((frame) => client.request(frame, ANSWER_MS))
  const acts = actsOf(name, n).map(([verb, request]) => api(service, verb, request, { timeoutMs: ANSWER_MS }))
  const done = (await Promise.all(answers)).filter(({ type }) => type === 'ok').length
  await Promise.all(acts)
  await end(client, service, name, n)
  return done
}

/** What one client asks; every fifth listens to everything, and every third renews its token. */
function requests(name: string, n: number): object[] {
  const kept = `chat:${n % KEPT_ROOMS}`
  return [
    { type: 'join', room: name, presence: true },
    { type: 'join', room: kept, presence: true },
    { type: 'join', room: `asked:${name}` },
    { type: 'publish', room: name, data: { n } },
    { type: 'publish', room: kept, data: 'x'.repeat(100), key: name },
    { type: 'history', room: kept, limit: 5 },
    { type: 'presence', room: kept },
    { type: 'send', user: name, data: n },
    { type: 'call', method: 'churn.echo', data: n },
    { type: 'call', method: 'churn.nobody', data: n },
    ...(n % 5 === 0 ? [{ type: 'join', room: 'chat:*' }] : []),
    ...(n % 2 === 0 ? [{ type: 'leave', room: name }] : []),
    { type: 'nonsense' },
  ]
}

function actsOf(name: string, n: number): [verb: string, request: object][] {
  switch (n % 4) {
    case 0:
      return [['publish', { users: [name], data: n }]]
    case 1:
      return [['join', { user: name, room: `added-${name}` }]]
    case 2:
      return [['publish', { room: `chat:${n % KEPT_ROOMS}`, data: n, key: `act ${name}` }]]
    default:
      return [['presence', { room: name }]]
  }
}

async function end(client: Client, service: NatsConnection, user: string, n: number): Promise<void> {
  if (n % 4 === 3) await api(service, 'disconnect', { user }, { timeoutMs: ANSWER_MS })
  else if (n % 2 === 0) client.socket.close(1000)
  else client.socket.terminate()
  await client.closed
}
