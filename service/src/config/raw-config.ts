// A configuration as it was written, nothing checked: reading and writing by path, and taking out what is another tier's. Never
// judges a value, the schema does.
import type { Field } from './fields.ts'

/** A JSON object as it was written. */
export type RawConfig = Record<string, unknown>

/** Whether a value from JSON is an object with keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What stands at a path (`nats.url`); undefined where there is nothing. */
export function readAt(raw: RawConfig, path: string): unknown {
  let value: unknown = raw
  for (const key of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined
    value = value[key]
  }
  return value
}

/** Writes a value at a path. Leaves a section that is no object as it is: the schema tells that mistake. */
export function writeAt(raw: RawConfig, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  let section: unknown = raw
  for (const key of keys) {
    if (!isRecord(section)) return
    if (section[key] === undefined) section[key] = {}
    section = section[key]
  }
  if (isRecord(section)) section[last] = value
}

/**
 * Takes the sections of other tiers out, but for the fields that we read of them: whether the rest is right is for their owner to
 * say.
 *
 * @param foreign - sections, by their names at the top of the file
 * @param fields - all fields of ours
 */
export function withoutForeign(raw: RawConfig, foreign: readonly string[], fields: readonly Field[]): RawConfig {
  const kept = { ...raw }
  for (const section of foreign) {
    if (!Object.hasOwn(raw, section)) continue
    delete kept[section]
    for (const { path } of fields.filter((field) => isWithin(field.path, section))) {
      const value = readAt(raw, path)
      if (value !== undefined) writeAt(kept, path, value)
    }
  }
  return kept
}

function isWithin(path: string, section: string): boolean {
  return path === section || path.startsWith(`${section}.`)
}
