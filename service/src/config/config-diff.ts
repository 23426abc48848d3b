// What changed between two configurations of one tier, and whether a running process can take it over. Pure.
import { isDeepStrictEqual } from 'node:util'
import type { Field } from './fields.ts'

/** The changed fields, by what it takes to apply them. */
export interface ConfigDiff {
  /** Apply at once: those that are marked as `live`. */
  readonly live: readonly Field[]
  /** Need a restart; one of them refuses the whole change. */
  readonly restart: readonly Field[]
}

/** Compares field by field, default or not. */
export function diffConfig<Config>(fields: readonly Field[], before: Config, after: Config): ConfigDiff {
  const changed = fields.filter(({ path }) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)))
  return {
    live: changed.filter((field) => field.live === true),
    restart: changed.filter((field) => field.live !== true),
  }
}

function valueAt(config: unknown, path: string): unknown {
  return path.split('.').reduce((value, key) => (value as Record<string, unknown>)[key], config)
}
