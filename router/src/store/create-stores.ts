// Makes one store of presence, or brings it up to date. Streams of history are made in history/keep-stream.ts; nothing else in the
// product creates or changes a stream.
import type { NatsPort } from '@sluice/service/jetstream/port'
import { type StreamConfig, storeUpdate } from './store-configs.ts'
import { askStream, STREAM_ERRORS } from './stream-api.ts'

/** What became of a store. */
export type StoreOutcome = 'created' | 'updated' | 'unchanged'

/** A store that is there, and stays as it is: the server does not take our settings. */
export class StoreNotUpdated extends Error {
  override readonly name = 'StoreNotUpdated'
}

/**
 * Makes one store right.
 *
 * @param update - whether one that is there may be changed
 * @throws where the server refuses or nobody answers: a message for the log; the caller tries again
 */
export async function ensureStore(
  nats: NatsPort,
  wanted: StreamConfig,
  { update }: { readonly update: boolean },
): Promise<StoreOutcome> {
  const present = await askStream(nats, `STREAM.INFO.${wanted.name}`, {})
  if (present.error?.err_code === STREAM_ERRORS.notFound) {
    const created = await askStream(nats, `STREAM.CREATE.${wanted.name}`, wanted)
    if (created.error === undefined) return 'created'
    // Another router was first, perhaps with settings of another release.
    if (created.error.err_code === STREAM_ERRORS.nameExists) return ensureStore(nats, wanted, { update })
    throw new Error(`${wanted.name} cannot be created: ${created.error.description}`)
  }
  if (present.error !== undefined) throw new Error(`${wanted.name}: ${present.error.description}`)
  const settings = update ? storeUpdate(wanted, present.config ?? {}) : null
  if (settings === null) return 'unchanged'
  const updated = await askStream(nats, `STREAM.UPDATE.${wanted.name}`, settings)
  if (updated.error !== undefined) {
    throw new StoreNotUpdated(`${wanted.name} cannot be updated: ${updated.error.description}`)
  }
  return 'updated'
}
