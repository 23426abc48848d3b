// How a mistake in the configuration is told: the variable's name and the path in the file, the value unless it is a secret,
// and what is allowed. Pure.
import type * as z from 'zod'
import { redactUrl } from '../log.ts'
import type { FieldIndex } from './field-index.ts'
import { type Field, nameOf } from './fields.ts'
import { isRecord, type RawConfig } from './raw-config.ts'
import type { Broken } from './relations.ts'
import { nearest } from './spelling.ts'

const SHOWN_CHARS_MAX = 80

/** Tells one of zod's issues. A key that is not known is told for each such key. */
export function tellIssue(fields: FieldIndex, issue: z.core.$ZodIssue, raw: RawConfig): readonly string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => tellUnknownKey(fields, issue.path, key))
  const field = fields.at(issue.path)
  const value = valueAt(raw, issue.path)
  if (field === undefined) return [tellSection(issue.path, value)]
  if (field.kind === 'json') return [tellInside(field, issue, value)]
  return [
    `${nameOf(field)} is ${field.secret === true ? 'a value that is not shown' : show(value)}; allowed: ${field.allowed}`,
  ]
}

/** Tells a relation that does not hold, with the values of its fields, defaults included. */
export function tellBroken(fields: FieldIndex, { paths, sentence }: Broken, config: unknown): string {
  const named = paths.map((path) => {
    const value = valueAt(config, path.split('.'))
    const name = fields.nameAt(path)
    if (value === undefined || fields.at(path.split('.'))?.secret === true) return name
    return `${name} is ${Array.isArray(value) ? value.map(show).join(' ') : show(value)}`
  })
  return `${named.join(', ')}: ${sentence}`
}

/** A section is not shown where it is no object: its text may be a secret that slipped out of place. */
function tellSection(path: readonly PropertyKey[], value: unknown): string {
  return `${path.map(String).join('.')} in the configuration file is ${typeof value === 'object' ? show(value) : `a ${typeof value}`}; allowed: an object`
}

/** What is wrong inside a field of JSON is said by its schema. */
function tellInside(field: Field, issue: z.core.$ZodIssue, value: unknown): string {
  const inside = issue.path.slice(field.path.split('.').length).map(String)
  if (issue.code === 'invalid_key') {
    const reason = issue.issues.map(({ message }) => message).join(', ')
    return `${nameOf(field)} has the key ${show(inside.at(-1))}: ${reason}`
  }
  const where = inside.length === 0 ? '' : ` at ${shorten(inside.join('.'))}`
  return `${nameOf(field)}${where} is ${show(value)}: ${issue.message}`
}

/** Never shows the value: a misspelt key may hold a secret. */
function tellUnknownKey(fields: FieldIndex, path: readonly PropertyKey[], key: string): string {
  const field = fields.at(path)
  const inside = path.slice(field === undefined ? 0 : field.path.split('.').length)
  const full = shorten([...inside.map(String), key].join('.'))
  const where = field === undefined ? `${full} in the configuration file` : `${nameOf(field)} at ${full}`
  const near = field === undefined ? nearest(key, fields.keysBelow(path)) : null
  return `${where} is no setting of Sluice${near === null ? '' : `; did you mean ${near}?`}`
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)]
    else if (isRecord(value) && Object.hasOwn(value, key)) value = value[String(key)]
    else return undefined
  }
  return value
}

/** Objects and lists are named, not shown: what is in the wrong place may hold a secret. */
function show(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'a list'
  if (isRecord(value)) return 'an object'
  return shorten(JSON.stringify(typeof value === 'string' ? redactUrl(value) : value))
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`
}
