// Sees to the end of one stream: remembers where it was, hears what gateways claim of it, and gives the stream a new generation where
// the leader shows that its end is lost. Nobody's word is enough: each claim is held against the leader. Changes nothing else.
import { GENERATION_METADATA, type RollbackClaim } from '@sluice/proto'
import { epochOf } from '@sluice/service/jetstream/history-state'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Link } from '@sluice/service/nats/link'
import { metadataOf, type StreamConfig } from '../store/store-configs.ts'
import { askStream, STREAM_ERRORS, type StreamAnswer } from '../store/stream-api.ts'
import { createClaims } from './claims.ts'
import { judgeEnd, judgeMessage, remember, type SeenStream, type StreamEnd, suspect } from './rollback.ts'

/** See {@link createEndKeeper}. */
export interface EndKeeperOptions {
  readonly nats: NatsPort & Pick<Link, 'connects'>
  /** Never used before. */
  readonly newGeneration: () => string
  /** From 0 to 1. */
  readonly random: () => number
  readonly pause: (ms: number) => Promise<unknown>
  /** The sequences are those of its end as we or a gateway saw it before, and as it is now. */
  readonly onRollback: (stream: StreamConfig, before: number, now: number) => void
}

/** Sees to the end of one stream. */
export interface EndKeeper {
  /** Asks the leader how the stream is. @throws where nobody answers in time */
  look(stream: StreamConfig): Promise<StreamAnswer>
  /**
   * Judges what a look has found, and acts where the end is lost.
   *
   * @returns the stream as it is after it
   */
  check(stream: StreamConfig, present: StreamAnswer): Promise<StreamAnswer>
  /** A gateway says that it is lost. */
  claimed(claim: RollbackClaim): void
}

/** All routers see a loss at once: who waits longer finds that another has written a new generation. */
const GENERATION_JITTER_MS = 400
/** Looks in a row, some seconds apart, that must find a claim right: a leader that was just elected may not have come that far yet. */
const CLAIM_LOOKS = 2

/** Begins with a stream of which nothing is known. What we write ourselves is learnt by the next look, like what other routers write. */
export function createEndKeeper(options: EndKeeperOptions): EndKeeper {
  const { nats, newGeneration, random, pause, onRollback } = options
  const claims = createClaims()
  let seen: SeenStream | null = null
  let confirmed = 0

  async function timeAt(stream: string, sequence: number): Promise<string | null> {
    const found = await askStream(nats, `STREAM.MSG.GET.${stream}`, { seq: sequence })
    if (found.error?.err_code !== STREAM_ERRORS.noMessage) settingsOf(found)
    return found.message?.time ?? null
  }

  async function isGood(stream: string, answer: StreamAnswer): Promise<boolean> {
    if (seen === null) return true
    const judgement = judgeEnd(seen, endOf(answer))
    if (judgement !== 'unknown') return judgement === 'good'
    return judgeMessage(seen, await timeAt(stream, seen.end.sequence)) === 'good'
  }

  /** Whether the leader has not what was claimed: its end lies before, or another message has the offset. */
  async function isMissing(stream: string, claim: RollbackClaim, answer: StreamAnswer): Promise<boolean> {
    const { created, generation, sequence } = endOf(answer)
    if (epochOf(created, generation) !== claim.epoch) return false
    if (sequence < claim.offset) return true
    const time = claim.time === undefined ? null : await timeAt(stream, claim.offset)
    return time !== null && Date.parse(time) !== claim.time
  }

  /** @returns the claim that the leader has shown to be right, look by look */
  async function rightClaim(stream: string, present: StreamAnswer): Promise<RollbackClaim | null> {
    const { created, generation, sequence } = endOf(present)
    const term = `${nats.connects} ${present.cluster?.leader} ${present.cluster?.leader_since}`
    const claim = claims.looked({ term, epoch: epochOf(created, generation), sequence })
    confirmed = claim !== null && (await isMissing(stream, claim, present)) ? confirmed + 1 : 0
    return confirmed >= CLAIM_LOOKS ? claim : null
  }

  async function check(stream: StreamConfig, present: StreamAnswer): Promise<StreamAnswer> {
    const { name } = stream
    const claim = await rightClaim(name, present)
    const good = await isGood(name, present)
    if (good && claim === null) {
      seen = remember(seen, endOf(present))
      return present
    }
    if (!good && seen !== null) seen = suspect(seen)
    await pause(random() * GENERATION_JITTER_MS)
    const again = await askStream(nats, `STREAM.INFO.${name}`, {})
    const settings = settingsOf(again)
    if ((await isGood(name, again)) && !(claim !== null && (await isMissing(name, claim, again)))) {
      seen = remember(seen, endOf(again))
      return again
    }
    const metadata = { ...metadataOf(settings), [GENERATION_METADATA]: newGeneration() }
    const updated = await askStream(nats, `STREAM.UPDATE.${name}`, { ...settings, metadata })
    // It stays suspected, or claimed, until this has succeeded.
    settingsOf(updated)
    claims.settled()
    confirmed = 0
    onRollback(stream, Math.max(claim?.offset ?? 0, seen?.end.sequence ?? 0), endOf(again).sequence)
    return updated
  }

  return {
    async look(stream) {
      try {
        return await askStream(nats, `STREAM.INFO.${stream.name}`, {})
      } catch (error) {
        claims.unanswered()
        throw error
      }
    },
    check,
    claimed: claims.hear,
  }
}

/** @throws for an answer that is an error */
export function settingsOf({ error, config }: StreamAnswer): Readonly<Record<string, unknown>> {
  if (error !== undefined) throw new Error(error.description ?? `error ${error.err_code}`)
  return config ?? {}
}

function endOf({ created = '', config = {}, state }: StreamAnswer): StreamEnd {
  const generation = metadataOf(config)[GENERATION_METADATA] ?? ''
  return { created, generation, sequence: state?.last_seq ?? 0, time: state?.last_ts ?? '' }
}
