// The parts of the chart's values.schema.json that follow from the configuration's own schema: `config`, `log`, `namespaces`, `inbox`.
// Owns which settings have values of their own in the chart; never writes a file.
import type { Field } from '@sluice/service/config/fields'
import * as z from 'zod'
import { gatewayConfig } from '../../gateway/src/config/gateway-config.ts'
import { routerConfig } from '../../router/src/config/router-config.ts'

/** Settings that the chart makes from values of other names, or that a pod leaves alone: `config` does not take them. */
const OWNED =
  /^(local|name|nats\..*|listen\..*|admin\..*|log\..*|namespaces|inbox|auth\.(secret.*|jwksUrl|issuer|audience|anonymous)|accept\.(origins|trustedProxies)|drain\.windowMs|router\.(name|admin\..*|replicas|drainMs))$/

/** Settings that a process takes over while it runs: they are in the file that both tiers watch. */
export const LIVE = ['namespaces', 'inbox', 'log.level']

/** JSON Schema, as far as it is looked at here. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
}

/** Every setting that `config` takes, by its path. */
export function configFields(): readonly Field[] {
  const all = new Map([...gatewayConfig.fields, ...routerConfig.fields].map((field) => [field.path, field]))
  return [...all.values()].filter(({ path }) => !OWNED.test(path))
}

/** The definitions of values.schema.json that are made from the configuration's schema. */
export function configDefinitions(): Readonly<Record<string, JsonSchema>> {
  return {
    config: nested(configFields()),
    log: nested(fieldsAt('log.level')).properties?.log ?? {},
    namespaces: schemaOf(fieldsAt('namespaces')[0]),
    inbox: schemaOf(fieldsAt('inbox')[0]),
  }
}

function fieldsAt(path: string): readonly Field[] {
  return gatewayConfig.fields.filter((field) => field.path === path)
}

/** Objects for the sections, so that an unknown key is refused in each. */
function nested(fields: readonly Field[], depth = 0): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  for (const name of new Set(fields.map(({ path }) => path.split('.')[depth] ?? ''))) {
    const within = fields.filter(({ path }) => path.split('.')[depth] === name)
    const leaf = within.find(({ path }) => path.split('.').length === depth + 1)
    properties[name] = leaf === undefined ? nested(within, depth + 1) : schemaOf(leaf)
  }
  return { type: 'object', additionalProperties: false, properties }
}

/** Without defaults: they are the process's, and a second copy of them could differ. */
function schemaOf(field: Field | undefined): JsonSchema {
  if (field === undefined) return {}
  const made = z.toJSONSchema(field.schema as z.ZodType, { io: 'input', unrepresentable: 'any' })
  const { $schema: _, ...schema } = made as unknown as JsonSchema
  const texts = field.kind === 'list' ? withoutCommas(schema) : schema
  return { description: field.description, ...(withoutDefaults(texts) as JsonSchema) }
}

/** A list becomes a variable, in which commas divide. */
function withoutCommas(schema: JsonSchema): JsonSchema {
  const { items } = schema as { items?: JsonSchema }
  return items === undefined || 'enum' in items || 'pattern' in items
    ? schema
    : { ...schema, items: { ...items, pattern: '^[^,]+$' } }
}

function withoutDefaults(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaults)
  if (typeof schema !== 'object' || schema === null) return schema
  const { default: _, ...rest } = schema as Record<string, unknown>
  return Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, withoutDefaults(value)]))
}
