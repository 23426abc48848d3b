// Keeps one stream of history there: makes it, and brings it up to date once for each configuration of ours. What becomes of one that
// has lost its end is keep-end.ts's. Never deletes a stream or a message; that a lower limit deletes is the server's doing.
import { GENERATION_METADATA, type RollbackClaim } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { StreamConfig } from '../store/store-configs.ts'
import { askStream, STREAM_ERRORS, type StreamAnswer } from '../store/stream-api.ts'
import { createEndKeeper, type EndKeeperOptions, settingsOf } from './keep-end.ts'
import { decideChange, type Lowered } from './stream-change.ts'

/**
 * How a stream is:
 * - `kept`: as configured;
 * - `differs`: it serves, with other settings than ours;
 * - `refused`: a stream of its name is there that is no history;
 * - `missing`: it is not there.
 */
export const STREAM_CONDITIONS = ['kept', 'differs', 'refused', 'missing'] as const

/** One of {@link STREAM_CONDITIONS}. */
export type StreamCondition = (typeof STREAM_CONDITIONS)[number]

/** What a look has found. */
export interface StreamLook {
  readonly condition: StreamCondition
  /** Why it is not as configured; null if it is. */
  readonly reason: string | null
  /** Whether the server has refused what we asked for. */
  readonly failed: boolean
}

/** What a keeper tells of what it did. */
export interface StreamEvents {
  onMade(stream: StreamConfig, outcome: 'created' | 'updated'): void
  onLowered(stream: StreamConfig, lowered: readonly Lowered[]): void
}

/** See {@link createStreamKeeper}. */
export interface StreamKeeperOptions extends StreamEvents, EndKeeperOptions {}

/** Keeps one stream. */
export interface StreamKeeper {
  /** Looks, and does what is to be done. One look at a time. @throws where nobody answers in time */
  look(): Promise<StreamLook>
  /** A gateway says that the stream has lost its end: the next looks see to it. */
  claimed(claim: RollbackClaim): void
  /** What our configuration says from now on. */
  want(wanted: StreamConfig): void
}

const KEPT: StreamLook = { condition: 'kept', reason: null, failed: false }

/** Begins with a first configuration. */
export function createStreamKeeper(first: StreamConfig, options: StreamKeeperOptions): StreamKeeper {
  const { nats, newGeneration } = options
  let wanted = first
  /** What we have brought the stream up to date with. Not again: two routers of different configurations would do so for ever. */
  let settledFor: StreamConfig | null = null
  const end = createEndKeeper(options)

  async function look(): Promise<StreamLook> {
    const mine = wanted
    const present = await end.look(mine)
    if (present.error?.err_code === STREAM_ERRORS.notFound) return create(mine)
    const settings = settingsOf(present)
    const found = decideChange(mine, settings, newGeneration)
    if (found.kind === 'refuse') return { condition: 'refused', reason: found.reason, failed: false }
    const checked = await end.check(mine, present)
    // The new generation must not be undone by an update that was decided before it.
    const change = checked === present ? found : decideChange(mine, settingsOf(checked), newGeneration)
    if (change.kind !== 'update' || settledFor === mine) {
      settledFor = mine
      if (change.kind === 'nothing') return KEPT
      const reason = change.kind === 'update' ? `another router has set ${change.differing}` : change.reason
      return { condition: 'differs', reason, failed: false }
    }
    const updated = await askStream(nats, `STREAM.UPDATE.${mine.name}`, change.settings)
    if (updated.error !== undefined)
      return { condition: 'differs', reason: `it cannot be updated: ${updated.error.description}`, failed: true }
    settledFor = mine
    if (change.lowered.length > 0) options.onLowered(mine, change.lowered)
    options.onMade(mine, 'updated')
    return KEPT
  }

  async function create(mine: StreamConfig): Promise<StreamLook> {
    const metadata = { ...mine.metadata, [GENERATION_METADATA]: newGeneration() }
    const created = await askStream(nats, `STREAM.CREATE.${mine.name}`, { ...mine, metadata })
    // Another router was first, perhaps with settings of another release.
    if (created.error?.err_code === STREAM_ERRORS.nameExists) return look()
    if (created.error !== undefined)
      return { condition: 'missing', reason: await whyNotCreated(nats, mine, created.error), failed: true }
    settledFor = mine
    options.onMade(mine, 'created')
    return KEPT
  }

  return {
    look,
    claimed: end.claimed,
    want(next) {
      wanted = next
    },
  }
}

async function whyNotCreated(
  nats: NatsPort,
  { subjects }: StreamConfig,
  error: NonNullable<StreamAnswer['error']>,
): Promise<string> {
  const reason = `it cannot be created: ${error.description}`
  if (error.err_code !== STREAM_ERRORS.overlap) return reason
  const [subject] = subjects as readonly string[]
  const { streams } = await askStream(nats, 'STREAM.NAMES', { subject })
  return `${reason} (${streams?.join(', ')})`
}
