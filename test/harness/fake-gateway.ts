// A gateway as routers see it: a lease that is renewed, and entries, written by hand. For tests of routers without sockets.
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { createPresenceStores, encodeLease, type GatewayId, type LeaseValue, leaseKey } from '@sluice/proto'
import { roomKey, roomValue, userKey, userValue } from './presence-values.ts'

const stores = createPresenceStores()
const RENEW_MS = 1000

/** A gateway that a test plays. */
export interface FakeGateway extends AsyncDisposable {
  readonly instance: string
  /** Writes the members of a room; without any, their entry is deleted. Its revision. */
  room(name: string, ...users: string[]): Promise<number>
  /** Writes the connections of a user; without any, the entry is deleted. Its revision. */
  user(name: string, ...sessions: string[]): Promise<number>
  /** Says something else in its lease from now on. */
  say(value: Partial<LeaseValue>): Promise<void>
  /** Stops renewing the lease, as one that has crashed. */
  crash(): void
}

/** Begins to play one. */
export async function startFakeGateway(client: NatsConnection, instance: string): Promise<FakeGateway> {
  let value: LeaseValue = { name: instance, version: '0.1.0', state: 'up', gateway: instance as GatewayId }
  const renew = (): Promise<number> =>
    put(client, stores.leases.subject(leaseKey('gateway', instance)), encodeLease(value))
  await renew()
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS)
  const entry = (key: string, bytes: Uint8Array, gone: boolean): Promise<number> =>
    put(client, stores.entries.subject(key), gone ? null : bytes)
  return {
    instance,
    room: (name, ...users) => entry(roomKey(name, instance), roomValue(...users), users.length === 0),
    user: (name, ...sessions) => entry(userKey(name, instance), userValue(name, ...sessions), sessions.length === 0),
    async say(changed) {
      value = { ...value, ...changed }
      await renew()
    },
    crash: () => clearInterval(timer),
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
    },
  }
}

async function put(client: NatsConnection, subject: string, value: Uint8Array | string | null): Promise<number> {
  const marked = headers()
  if (value === null) {
    marked.set('KV-Operation', 'PURGE')
    marked.set('Nats-Rollup', 'sub')
  }
  const message = await client.request(subject, value ?? '', { headers: marked, timeout: 5000 })
  const answer = message.json<{ seq?: number; error?: { description: string } }>()
  if (answer.error !== undefined) throw new Error(answer.error.description)
  return answer.seq ?? 0
}
