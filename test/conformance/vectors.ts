// The protocol as data: proto/vectors, read as JSON, with the texts that stand there as a recipe. Nothing else of proto is known here.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** A text, or how to make it where it is too long or could not stand in a JSON file. */
export type Recipe = string | { readonly repeat: string; readonly times: number } | { readonly utf16: string }

/** A frame of a client that is well-formed. */
export interface AcceptedFrame {
  readonly name: string
  readonly json?: string
  readonly msgpack?: string
  readonly frame: { readonly type: string; readonly id?: number | string; readonly room?: string }
  readonly payload?: { readonly kind: 'json'; readonly text: string } | { readonly kind: 'bytes'; readonly hex: string }
}

/** A frame of a client that is answered `bad_request`. */
export interface RefusedFrame {
  readonly name: string
  readonly json?: string
  readonly msgpack?: string
  readonly id?: number | string
  readonly reason: 'malformed' | 'unknown'
}

/** A bound of a field: numbers n with which it is accepted or refused. */
export interface FieldBound {
  readonly field: string
  readonly frame: Readonly<Record<string, unknown>>
  readonly text?: Bound
  readonly integer?: Bound
  readonly depth?: Bound
}

/** See {@link FieldBound}. */
export interface Bound {
  readonly accepted: readonly number[]
  readonly refused: readonly number[]
}

/** Names that are accepted, with what is read in them, and names that are refused. */
export interface NameVectors {
  readonly nameBytesMax: number
  readonly rooms: {
    readonly accepted: readonly { readonly text: Recipe; readonly room: Recipe; readonly namespace: string }[]
    readonly refused: readonly Recipe[]
  }
  readonly users: { readonly accepted: readonly Recipe[]; readonly refused: readonly Recipe[] }
}

const folder = resolve(import.meta.dirname, '../../proto/vectors')

function read<content>(file: string): content {
  return JSON.parse(readFileSync(resolve(folder, file), 'utf8')) as content
}

/** Frames of clients. */
export const clientFrames = read<{
  readonly accepted: readonly AcceptedFrame[]
  readonly refused: readonly RefusedFrame[]
  readonly limits: readonly FieldBound[]
}>('client-frames.json')

/** Names of rooms, users and sessions. */
export const names = read<NameVectors>('names.json')

/** Names and their tokens on NATS. */
export const nameTokens = read<{ readonly accepted: readonly { readonly name: string; readonly token: string }[] }>(
  'tokens.json',
)

/** All codes of `error`. */
export const errorCodes = read<readonly string[]>('error-codes.json')

/** The text that a recipe makes. */
export function textOf(recipe: Recipe): string {
  if (typeof recipe === 'string') return recipe
  if ('repeat' in recipe) return recipe.repeat.repeat(recipe.times)
  const units = recipe.utf16.match(/.{4}/g) ?? []
  return String.fromCharCode(...units.map((unit) => Number.parseInt(unit, 16)))
}

/** The frame of a bound, its field set as n says. */
export function boundFrame({ field, frame, text, depth }: FieldBound, n: number): object {
  const value = text !== undefined ? 'x'.repeat(n) : depth !== undefined ? nested(n) : n
  const [outer = '', inner] = field.split('.')
  if (inner === undefined) return { ...frame, [outer]: value }
  return { ...frame, [outer]: { ...(frame[outer] as object), [inner]: value } }
}

function nested(depth: number): unknown {
  let value: unknown = 0
  for (let level = 0; level < depth; level++) value = level === 0 ? [] : [value]
  return value
}
