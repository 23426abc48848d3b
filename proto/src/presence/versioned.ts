// What peers of another release may send: JSON with a version `v`. Unknown fields are ignored; a newer version is told apart
// from what is malformed, so that a reader can skip and count it. Never throws on what a peer sent.
import * as z from 'zod/mini'

/** The version of all values and internal messages that this release writes. A newer one is for what n−1 must not read. */
export const VALUE_VERSION = 1

/** What was read: a value, `newer` for one of a later release that is to be skipped and counted, null for what is malformed. */
export type Versioned<value> = value | 'newer' | null

/** A value without its version, as everyone but this file handles it. */
export type Unversioned<value> = value extends unknown ? Omit<value, 'v'> : never

/** The field `v` of a schema. */
export const versionField = z.literal(VALUE_VERSION)

// A byte order mark is no JSON, and stays visible as such.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const anyVersion = z.object({ v: z.int() })

/** Reads JSON of at most `bytesMax` bytes; undefined if it is longer or no JSON. */
export function readJson(bytes: Uint8Array, bytesMax: number): unknown {
  if (bytes.length > bytesMax) return undefined
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    // Only what a peer sent can be no JSON; its reader treats it as any other malformed value.
    return undefined
  }
}

/** Reads a versioned value against the schema of this release. */
export function readVersioned<value extends { readonly v: number }>(
  bytes: Uint8Array,
  bytesMax: number,
  schema: z.core.$ZodType<value>,
): Versioned<Unversioned<value>> {
  const raw = readJson(bytes, bytesMax)
  const version = anyVersion.safeParse(raw)
  if (!version.success) return null
  if (version.data.v > VALUE_VERSION) return 'newer'
  const parsed = z.safeParse(schema, raw)
  if (!parsed.success) return null
  const { v: _, ...value } = parsed.data
  return value as Unversioned<value>
}

/** Writes a value in the version of this release. */
export function writeVersioned(value: object): string {
  return JSON.stringify({ v: VALUE_VERSION, ...value })
}
