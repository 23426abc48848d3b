// Who comes and goes in the rooms of `chat`, from the stream of events, without a gap also while this service is down.
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'

const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' })

// A durable consumer remembers how far this service has come. Filters are subjects: by kind, namespace, room and user.
const manager = await jetstreamManager(nats)
await manager.consumers.add('SLUICE_EVENTS', {
  durable_name: 'shop',
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.New,
  filter_subjects: ['sluice.event.joined.chat.*.*', 'sluice.event.left.chat.*.*', 'sluice.event.resync.>'],
})
const consumer = await jetstream(nats).consumers.get('SLUICE_EVENTS', 'shop')
console.log('waiting for events')

/** Ids handled lately: an event may come again. */
const seen = new Set<string>()

for await (const message of await consumer.consume()) {
  const id = message.headers?.get('Nats-Msg-Id') ?? ''
  if (!seen.has(id)) {
    const event = message.json<{ kind: string; room: string; user: string }>()
    // Events of a shard may be missing before it: ask for the state again, as ask.ts does.
    if (event.kind === 'resync') console.log('events may be missing')
    else console.log(`${event.user} ${event.kind} ${event.room}`)
    seen.add(id)
    if (seen.size > 10_000) seen.delete(seen.values().next().value as string)
  }
  // After the work is done: what is not acknowledged comes again.
  message.ack()
}
