// What to do with a stream of history that is there. Pure; who asks the server and acts is keep-stream.ts.
import { isDeepStrictEqual } from 'node:util'
import { GENERATION_METADATA } from '@sluice/proto'
import { configVersionOf, metadataOf, type StreamConfig, settingsThatDiffer } from '../store/store-configs.ts'
import { SECOND } from './history-configs.ts'

/** A limit that becomes lower: what is beyond it is deleted. */
export interface Lowered {
  readonly setting: 'messages' | 'seconds' | 'replicas'
  /** Infinity where there was no limit. */
  readonly before: number
  readonly after: number
}

/**
 * What to do:
 * - `nothing`: it is as configured;
 * - `update`: these settings make it so; `differing` names them;
 * - `leave`: it serves as it is, and is not ours to change;
 * - `refuse`: it is no stream of history.
 */
export type StreamChange =
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'update'
      readonly settings: StreamConfig
      readonly differing: readonly string[]
      readonly lowered: readonly Lowered[]
    }
  | { readonly kind: 'leave' | 'refuse'; readonly reason: string }

type Settings = Readonly<Record<string, unknown>>

/**
 * Decides.
 *
 * @param present - the settings as the server tells them
 * @param newGeneration - for a stream that has none
 */
export function decideChange(wanted: StreamConfig, present: Settings, newGeneration: () => string): StreamChange {
  const reason = whyNoHistory(wanted, present)
  if (reason !== null) return { kind: 'refuse', reason }
  const version = configVersionOf(present)
  if (version > configVersionOf(wanted))
    return { kind: 'leave', reason: `a newer release has made it (sluice_config ${version})` }
  const metadata = metadataOf(present)
  const hasGeneration = metadata[GENERATION_METADATA] !== undefined
  const differing = [...settingsThatDiffer(wanted, present), ...(hasGeneration ? [] : [GENERATION_METADATA])]
  if (differing.length === 0) return { kind: 'nothing' }
  const generation = metadata[GENERATION_METADATA] ?? newGeneration()
  const settings = {
    ...present,
    ...wanted,
    metadata: { ...metadata, ...wanted.metadata, [GENERATION_METADATA]: generation },
  }
  return { kind: 'update', settings, differing, lowered: loweredBy(wanted, present) }
}

/** Some of these the server would let us change: but then what was stored by them is no history of ours. */
function whyNoHistory(wanted: StreamConfig, present: Settings): string | null {
  const sources = present.sources as readonly unknown[] | null | undefined
  if (present.mirror) return 'it mirrors another stream'
  if (sources && sources.length > 0) return 'it takes messages from other streams'
  if (present.subject_transform) return 'it stores messages under other subjects than they were published on'
  if (present.sealed === true) return 'it is sealed'
  for (const name of ['storage', 'retention'] as const)
    if (present[name] !== wanted[name]) return `its ${name} is ${present[name]}, not ${wanted[name]}`
  if (!isDeepStrictEqual(present.subjects, wanted.subjects))
    return `it stores ${present.subjects}, not ${wanted.subjects}`
  return null
}

function loweredBy(wanted: StreamConfig, present: Settings): readonly Lowered[] {
  const limits = [
    ['messages', 'max_msgs_per_subject', 1],
    ['seconds', 'max_age', SECOND],
    ['replicas', 'num_replicas', 1],
  ] as const
  return limits.flatMap(([setting, name, unit]) => {
    const [before, after] = [limitOf(present[name]) / unit, limitOf(wanted[name]) / unit]
    return after < before ? [{ setting, before, after }] : []
  })
}

/** The server writes no limit as 0 or -1. */
function limitOf(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : Number.POSITIVE_INFINITY
}
