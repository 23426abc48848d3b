// Finds the streams of histories that the configuration names no more. A router never deletes them: what they hold may be the only copy.
import type { HistoryStores } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { askStream } from '../store/stream-api.ts'

/**
 * Asks which streams of ours are there beside the configured ones.
 *
 * @throws where nobody answers in time
 */
export async function leftStreams(
  nats: NatsPort,
  stores: HistoryStores,
  configured: ReadonlySet<string>,
): Promise<readonly string[]> {
  // As subjects and as the beginning of names: all namespaces.
  const rooms = stores.room('*').source
  const roomStreams = stores.room('').stream
  const names: string[] = []
  for (const subject of [rooms, stores.inbox.source]) {
    const { streams } = await askStream(nats, 'STREAM.NAMES', { subject })
    names.push(...(streams ?? []))
  }
  const isOurs = (name: string): boolean => name.startsWith(roomStreams) || name === stores.inbox.stream
  return names.filter((name) => isOurs(name) && !configured.has(name))
}
