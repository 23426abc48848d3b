// From the environment to raw values: which variables are ours, which are mistakes, and how their text becomes what the file
// would hold. Pure; never judges a value, the schema does.
import { CONFIG_VARIABLE, type Environment } from './config-file.ts'
import { type Field, nameOf, VARIABLE_PREFIX, variableOf } from './fields.ts'
import { nearest } from './spelling.ts'

/** What the environment says. */
export interface VariablesRead {
  readonly values: ReadonlyMap<Field, unknown>
  readonly mistakes: readonly string[]
}

/**
 * Kubernetes sets variables for each Service of the namespace: for one named `sluice-gateway` SLUICE_GATEWAY_SERVICE_HOST,
 * …_SERVICE_PORT, …_SERVICE_PORT_<name>, …_PORT=tcp://…, …_PORT_8080_TCP, …_PORT_8080_TCP_ADDR and so on. Even
 * SLUICE_ADMIN_PORT can come so, from a Service named `sluice-admin`.
 */
function isFromKubernetes(name: string, text: string): boolean {
  if (/_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/.test(name)) return true
  if (/_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/.test(name)) return true
  return name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(text)
}

/**
 * Reads the variables that begin with SLUICE_. An empty one counts as not set, as charts and compose files pass those on.
 *
 * @param env - the whole environment
 * @param all - the fields that have variables
 * @param foreign - sections of other tiers: their variables are ignored, but for those of our fields
 */
export function readVariables(env: Environment, all: readonly Field[], foreign: readonly string[]): VariablesRead {
  const fields = new Map(all.map((field) => [field.variable, field]))
  const values = new Map<Field, unknown>()
  const mistakes: string[] = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(VARIABLE_PREFIX) || text === undefined || text === '') continue
    if (name === CONFIG_VARIABLE || isFromKubernetes(name, text)) continue
    const field = fields.get(name)
    if (field === undefined) {
      if (foreign.some((section) => isOf(section, name))) continue
      mistakes.push(unknownVariable(name, [...fields.keys(), CONFIG_VARIABLE]))
      continue
    }
    const read = parseText(field, text)
    if (read.ok) values.set(field, read.value)
    else mistakes.push(`${nameOf(field)} is not JSON; allowed: ${field.allowed}`)
  }
  return { values, mistakes }
}

/** Whether a variable belongs to a section, or to a field at the top of the file. */
function isOf(section: string, name: string): boolean {
  const variable = variableOf(section)
  return name === variable || name.startsWith(`${variable}_`)
}

/** Never shows the value: a misspelt name may hold a secret. */
function unknownVariable(name: string, known: readonly string[]): string {
  const near = nearest(name, known)
  return `${name} is no variable of Sluice${near === null ? '' : `; did you mean ${near}?`}`
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false }

/** Text that is not of the field's kind stays text, which the schema refuses in its own words. */
function parseText(field: Field, text: string): Parsed {
  const trimmed = text.trim()
  switch (field.kind) {
    case 'number':
      return { ok: true, value: /^-?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : text }
    case 'boolean':
      return { ok: true, value: trimmed === 'true' ? true : trimmed === 'false' ? false : text }
    case 'list': {
      const items = text.split(',').map((item) => item.trim())
      return { ok: true, value: items.filter((item) => item !== '') }
    }
    case 'choice':
      return { ok: true, value: trimmed }
    case 'text':
      return { ok: true, value: text }
    case 'json':
      return parseJson(text)
  }
}

function parseJson(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    // V8's message quotes the text; the caller says what is wrong without it.
    return { ok: false }
  }
}
