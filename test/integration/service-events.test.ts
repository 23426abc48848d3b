// The filters that the services' page names for events: by kind, by namespace, by user; each as the subjects of a consumer.
import type { NatsConnection } from '@nats-io/transport-node'
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { member, test } from '../harness/example-cluster.ts'

interface Event {
  readonly kind: string
  readonly user?: string
  readonly room?: string
}

const FILTERS: readonly [string, readonly string[], readonly string[]][] = [
  ['kind', ['sluice.event.connected.*'], ['connected ann', 'connected ben']],
  ['namespace', ['sluice.event.joined.chat.*.*'], ['joined ann chat:filtered', 'joined ben chat:filtered']],
  [
    'user',
    ['sluice.event.*.*.*.user-ann', 'sluice.event.connected.user-ann'],
    ['connected ann', 'joined ann chat:filtered', 'joined ann filtered'],
  ],
]

async function consumer(
  client: NatsConnection,
  name: string,
  filters: readonly string[],
): Promise<() => Promise<void>> {
  const config = { durable_name: name, ack_policy: 'none', deliver_policy: 'new', filter_subjects: filters }
  const body = JSON.stringify({ stream_name: 'SLUICE_EVENTS', config })
  const made = await client.request(`$JS.API.CONSUMER.DURABLE.CREATE.SLUICE_EVENTS.${name}`, body)
  expect(made.json()).not.toHaveProperty('error')
  const inbox = `filtered.${name}`
  return async () =>
    client.publish(`$JS.API.CONSUMER.MSG.NEXT.SLUICE_EVENTS.${name}`, '{"batch":100}', { reply: inbox })
}

test.for(FILTERS)('events are filtered by %s', async ([by, filters, expected], { stage, cluster }) => {
  const client = await cluster.nats.connect()
  const got: string[] = []
  client.subscribe(`filtered.${by}`, {
    callback: (_, message) => {
      if (message.data.length === 0) return
      const { kind, user = '', room } = message.json<Event>()
      // Those of other tests end whenever their linger is over.
      if (user.startsWith(`${by}-`)) got.push([kind, user.slice(by.length + 1), room].filter(Boolean).join(' '))
    },
  })
  const pull = await consumer(client, by, filters)
  await pull()
  await member(stage, cluster, `${by}-ann`, 'chat:filtered', 'filtered')
  await member(stage, cluster, `${by}-ben`, 'chat:filtered')
  const arrivals = () => got.filter((line) => !/^(?:left|disconnected)/.test(line)).toSorted()
  await eventually(arrivals).toEqual(expected)
})
