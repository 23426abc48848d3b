// Streams of history as routers make them, for tests of what reads and writes them without a router, and publishes into them that
// are acknowledged, in order and at once.
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { DEDUP_SECONDS, type HistoryStore } from '@sluice/proto'

/** Limits of a stream. */
export interface HistoryStreamOptions {
  /** Default 1000. */
  readonly messagesPerSubject?: number
  /** Default 3600. */
  readonly seconds?: number
  /** Default 1. */
  readonly replicas?: number
  readonly metadata?: Readonly<Record<string, string>>
}

/** One publish. */
export interface StoredPublish {
  readonly subject: string
  readonly data: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const SECOND = 1_000_000_000

/** Makes the stream of a history. */
export async function makeHistory(
  client: NatsConnection,
  store: HistoryStore,
  options: HistoryStreamOptions = {},
): Promise<void> {
  const { messagesPerSubject = 1000, seconds = 3600, replicas = 1, metadata = {} } = options
  await askJetStream(client, `STREAM.CREATE.${store.stream}`, {
    name: store.stream,
    subjects: [store.source],
    storage: 'file',
    retention: 'limits',
    discard: 'old',
    max_msgs_per_subject: messagesPerSubject,
    max_age: seconds * SECOND,
    num_replicas: replicas,
    allow_direct: true,
    duplicate_window: DEDUP_SECONDS * SECOND,
    republish: { src: store.source, dest: store.destination },
    metadata,
  })
}

/** Stores messages in this order, many under way at a time, and gives their sequences. */
export async function storeAll(client: NatsConnection, publishes: readonly StoredPublish[]): Promise<number[]> {
  const sequences: number[] = []
  for (let at = 0; at < publishes.length; at += UNDER_WAY) {
    const answers = publishes.slice(at, at + UNDER_WAY).map(async ({ subject, data, headers: values = {} }) => {
      const message = await client.request(subject, data, { timeout: 10_000, headers: built(values) })
      const answer = message.json<{ seq?: number; error?: { description: string } }>()
      if (answer.seq === undefined) throw new Error(answer.error?.description ?? 'not stored')
      return answer.seq
    })
    sequences.push(...(await Promise.all(answers)))
  }
  return sequences
}

/** Stores one message. */
export async function store(client: NatsConnection, publish: StoredPublish): Promise<number> {
  const [sequence = 0] = await storeAll(client, [publish])
  return sequence
}

/** One question to the JetStream API. */
export async function askJetStream(client: NatsConnection, verb: string, question: object): Promise<unknown> {
  const message = await client.request(`$JS.API.${verb}`, JSON.stringify(question), { timeout: 10_000 })
  const answer = message.json<{ error?: { description: string } }>()
  if (answer.error !== undefined) throw new Error(`${verb}: ${answer.error.description}`)
  return answer
}

const UNDER_WAY = 200

function built(values: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers()
  for (const [name, value] of Object.entries(values)) made.append(name, value)
  return made
}
