// The buckets of presence as routers make them, for tests of what follows and writes them without a router.
import type { NatsConnection } from '@nats-io/transport-node'
import { type Bucket, createPresenceStores, firstRevision } from '@sluice/proto'

const SECOND = 1_000_000_000
const encoder = new TextEncoder()

/** Makes both buckets. */
export async function makeBuckets(client: NatsConnection, prefix = 'sluice'): Promise<void> {
  const stores = createPresenceStores(prefix)
  await makeBucket(client, stores.leases, { max_age: 3600 * SECOND })
  await makeBucket(client, stores.entries, {})
}

/** Makes one bucket, with the limits that make it special. */
export async function makeBucket(client: NatsConnection, bucket: Bucket, limits: object = {}): Promise<void> {
  await ask(client, `STREAM.CREATE.${bucket.stream}`, {
    name: bucket.stream,
    subjects: [bucket.source],
    max_msgs_per_subject: 1,
    storage: 'file',
    discard: 'new',
    num_replicas: 1,
    allow_direct: true,
    allow_rollup_hdrs: true,
    allow_msg_ttl: true,
    subject_delete_marker_ttl: 60 * SECOND,
    deny_delete: true,
    first_seq: firstRevision(Date.now()),
    republish: { src: bucket.source, dest: bucket.destination },
    ...limits,
  })
}

/** Loses a bucket with all that is in it. */
export async function loseBucket(client: NatsConnection, bucket: Bucket): Promise<void> {
  await ask(client, `STREAM.DELETE.${bucket.stream}`, {})
}

/** The keys of a bucket with their values, deleted ones left out. */
export async function keysOf(client: NatsConnection, bucket: Bucket, filter = '>'): Promise<Map<string, unknown>> {
  const info = await ask(client, `STREAM.INFO.${bucket.stream}`, { subjects_filter: bucket.subject(filter) })
  const subjects = Object.keys(info.state?.subjects ?? {})
  const values = await Promise.all(subjects.map((subject) => valueAt(client, bucket, subject)))
  const found = subjects.map((subject, at): [string, string] => [bucket.keyOf(subject) ?? subject, values[at] ?? ''])
  return new Map(found.flatMap(([key, value]) => (value === '' ? [] : [[key, JSON.parse(value)]])))
}

/** The value of a key as text; empty for a marker of a deletion, also for one that has gone meanwhile. */
async function valueAt(client: NatsConnection, { stream }: Bucket, subject: string): Promise<string> {
  const question = encoder.encode(JSON.stringify({ last_by_subj: subject }))
  const answer = (
    await client.request(`$JS.API.STREAM.MSG.GET.${stream}`, question, { timeout: 20_000 })
  ).json<Answer>()
  if (answer.error !== undefined && answer.error.err_code !== NO_MESSAGE) throw new Error(answer.error.description)
  return Buffer.from(answer.message?.data ?? '', 'base64').toString()
}

/** The server's `JSNoMessageFoundErr`. */
const NO_MESSAGE = 10_037

interface Answer {
  readonly error?: { readonly description: string; readonly err_code?: number }
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> }
  readonly message?: { readonly data?: string }
}

async function ask(client: NatsConnection, verb: string, question: object): Promise<Answer> {
  const message = await client.request(`$JS.API.${verb}`, encoder.encode(JSON.stringify(question)))
  const answer = message.json<Answer>()
  if (answer.error !== undefined) throw new Error(`${verb}: ${answer.error.description}`)
  return answer
}
