// Asks routers who is in a room, one question after the other, in a thread that does nothing else: a busy event loop of the asker
// would be what is measured. Between questions it measures the round trip to NATS.
import { parentPort, workerData } from 'node:worker_threads'
import { connect } from '@nats-io/transport-node'
import type { QueryTask, QueryTimes } from './queries.ts'

const { servers, room, questions } = workerData as QueryTask
const client = await connect({ servers, noAsyncTraces: true })
const body = JSON.stringify({ room })
const times: QueryTimes = { queryMs: [], roundTripMs: [], members: 0 }
for (let at = 0; at < questions; at++) {
  const pingedAt = performance.now()
  await client.flush()
  times.roundTripMs.push(performance.now() - pingedAt)
  const startedAt = performance.now()
  const answer = await client.request('sluice.api.presence', body, { timeout: 5000 })
  times.queryMs.push(performance.now() - startedAt)
  times.members = answer.json<{ count: number }>().count
}
await client.close()
parentPort?.postMessage(times)
