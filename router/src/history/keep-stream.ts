// Keeps one stream of history there: makes it, brings it up to date once for each configuration of ours, and gives it a new generation
// where it has lost its end. Never deletes a stream or a message; that a lower limit deletes is the server's doing.
import { GENERATION_METADATA } from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import { metadataOf, type StreamConfig } from '../store/store-configs.ts'
import { askStream, STREAM_ERRORS, type StreamAnswer } from '../store/stream-api.ts'
import { judgeEnd, judgeMessage, remember, type SeenStream, type StreamEnd, suspect } from './rollback.ts'
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
  /** The sequences are those of its end as we saw it before, and as it is now. */
  onRollback(stream: StreamConfig, before: number, now: number): void
}

/** See {@link createStreamKeeper}. */
export interface StreamKeeperOptions extends StreamEvents {
  readonly nats: NatsPort
  /** Never used before. */
  readonly newGeneration: () => string
  /** From 0 to 1. */
  readonly random: () => number
  readonly pause: (ms: number) => Promise<unknown>
}

/** Keeps one stream. */
export interface StreamKeeper {
  /** Looks, and does what is to be done. One look at a time. @throws where nobody answers in time */
  look(): Promise<StreamLook>
  /** What our configuration says from now on. */
  want(wanted: StreamConfig): void
}

/** All routers see a loss at once: who waits longer finds that another has written a new generation. */
const GENERATION_JITTER_MS = 400

const KEPT: StreamLook = { condition: 'kept', reason: null, failed: false }

/** Begins with a first configuration. */
export function createStreamKeeper(first: StreamConfig, options: StreamKeeperOptions): StreamKeeper {
  const { nats, newGeneration } = options
  let wanted = first
  /** What we have brought the stream up to date with. Not again: two routers of different configurations would do so for ever. */
  let settledFor: StreamConfig | null = null
  const checkEnd = createEndKeeper(options)

  async function look(): Promise<StreamLook> {
    const mine = wanted
    const present = await askStream(nats, `STREAM.INFO.${mine.name}`, {})
    if (present.error?.err_code === STREAM_ERRORS.notFound) return create(mine)
    const settings = settingsOf(present)
    const found = decideChange(mine, settings, newGeneration)
    if (found.kind === 'refuse') return { condition: 'refused', reason: found.reason, failed: false }
    const checked = await checkEnd(mine, present)
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
    want(next) {
      wanted = next
    },
  }
}

/**
 * Remembers where the stream ended, and acts where it ends before. What we write ourselves is learnt by the next look, like what other
 * routers write.
 */
function createEndKeeper(options: StreamKeeperOptions) {
  const { nats, newGeneration, random, pause, onRollback } = options
  let seen: SeenStream | null = null

  const note = (answer: StreamAnswer): void => {
    seen = remember(seen, endOf(answer))
  }

  async function isGood(before: SeenStream, stream: string, answer: StreamAnswer): Promise<boolean> {
    const judgement = judgeEnd(before, endOf(answer))
    if (judgement !== 'unknown') return judgement === 'good'
    const found = await askStream(nats, `STREAM.MSG.GET.${stream}`, { seq: before.end.sequence })
    if (found.error?.err_code !== STREAM_ERRORS.noMessage) settingsOf(found)
    return judgeMessage(before, found.message?.time ?? null) === 'good'
  }

  /** @returns the stream as it is after it */
  async function check(stream: StreamConfig, present: StreamAnswer): Promise<StreamAnswer> {
    if (seen === null || (await isGood(seen, stream.name, present))) {
      note(present)
      return present
    }
    seen = suspect(seen)
    await pause(random() * GENERATION_JITTER_MS)
    const again = await askStream(nats, `STREAM.INFO.${stream.name}`, {})
    const settings = settingsOf(again)
    if (await isGood(seen, stream.name, again)) {
      note(again)
      return again
    }
    const metadata = { ...metadataOf(settings), [GENERATION_METADATA]: newGeneration() }
    const updated = await askStream(nats, `STREAM.UPDATE.${stream.name}`, { ...settings, metadata })
    // It stays suspected until this has succeeded.
    settingsOf(updated)
    onRollback(stream, seen.end.sequence, endOf(again).sequence)
    return updated
  }

  return check
}

/** @throws for an answer that is an error */
function settingsOf({ error, config }: StreamAnswer): Readonly<Record<string, unknown>> {
  if (error !== undefined) throw new Error(error.description ?? `error ${error.err_code}`)
  return config ?? {}
}

function endOf({ created = '', config = {}, state }: StreamAnswer): StreamEnd {
  const generation = metadataOf(config)[GENERATION_METADATA] ?? ''
  return { created, generation, sequence: state?.last_seq ?? 0, time: state?.last_ts ?? '' }
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
