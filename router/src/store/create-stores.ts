// Makes one store, or brings it up to date. The only place in the product that creates or changes a stream.
import { jsonBody, type NatsPort } from '@sluice/service/jetstream/port'
import { type StreamConfig, storeUpdate } from './store-configs.ts'

/** What became of a store. */
export type StoreOutcome = 'created' | 'updated' | 'unchanged'

/** A store that is there, and stays as it is: the server does not take our settings. */
export class StoreNotUpdated extends Error {
  override readonly name = 'StoreNotUpdated'
}

/** Creating a replicated stream waits for an election. */
const API_WAIT_MS = 10_000
/** The server's `JSStreamNotFoundErr` and `JSStreamNameExistErr`. */
const NOT_FOUND = 10_059
const NAME_EXISTS = 10_058

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
  const present = await ask(nats, `STREAM.INFO.${wanted.name}`, {})
  if (present.error?.err_code === NOT_FOUND) {
    const created = await ask(nats, `STREAM.CREATE.${wanted.name}`, wanted)
    if (created.error === undefined) return 'created'
    // Another router was first, perhaps with settings of another release.
    if (created.error.err_code === NAME_EXISTS) return ensureStore(nats, wanted, { update })
    throw new Error(`${wanted.name} cannot be created: ${created.error.description}`)
  }
  if (present.error !== undefined) throw new Error(`${wanted.name}: ${present.error.description}`)
  const settings = update ? storeUpdate(wanted, present.config ?? {}) : null
  if (settings === null) return 'unchanged'
  const updated = await ask(nats, `STREAM.UPDATE.${wanted.name}`, settings)
  if (updated.error !== undefined) {
    throw new StoreNotUpdated(`${wanted.name} cannot be updated: ${updated.error.description}`)
  }
  return 'updated'
}

interface Answer {
  readonly error?: { readonly err_code?: number; readonly description?: string }
  readonly config?: Readonly<Record<string, unknown>>
}

async function ask(nats: NatsPort, verb: string, body: unknown): Promise<Answer> {
  const message = await nats.request(`$JS.API.${verb}`, jsonBody(body), { timeoutMs: API_WAIT_MS })
  return message.json<Answer>()
}
