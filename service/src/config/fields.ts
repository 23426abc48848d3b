// What a configuration field is: a leaf of the schema with its path in the file, its variable, and what operators are told
// about it. Everything that speaks of fields (loading, mistakes, the operators' pages) walks the schema through here.
// Never reads a value.
import * as z from 'zod'

/** A field's unit, as the operators' table shows it. */
export type Unit = 'ms' | 'bytes' | '1/s' | '%'

/** What is told about a field beside what its schema says. */
export interface FieldMeta {
  /** One sentence for operators. */
  readonly description: string
  readonly unit?: Unit
  /** What is allowed, in words, where the schema cannot say it: mandatory for text and lists. */
  readonly allowed?: string
  /** The default in words, where it is computed. */
  readonly defaultText?: string
  /** The value is never shown, neither in mistakes nor in logs. */
  readonly secret?: true
  /** The value is the path of a file, which must be readable at start. */
  readonly file?: true
  /** At start the file's content becomes the value of the field of this path. */
  readonly contentOf?: string
  /** The variable holds JSON: for what has no flat form. */
  readonly json?: true
  /** Changes of the file apply to the running process; all other changes need a restart. */
  readonly live?: true
}

/** How a variable's text becomes a value. */
export type FieldKind = 'number' | 'boolean' | 'list' | 'text' | 'choice' | 'json'

/** One field of the configuration. */
export interface Field extends FieldMeta {
  /** In the file: `limits.frameBytesMax`. */
  readonly path: string
  /** In the environment: `SLUICE_LIMITS_FRAME_BYTES_MAX`. */
  readonly variable: string
  readonly kind: FieldKind
  /** Absent where the field may stay unset. */
  readonly default?: unknown
  /** What is allowed, in words. */
  readonly allowed: string
  readonly schema: z.core.$ZodType
}

/** All variables begin with it. */
export const VARIABLE_PREFIX = 'SLUICE_'

const metas = z.registry<FieldMeta>()

/** Declares a leaf of the schema. Every leaf is one, or {@link listFields} throws. */
export function field<Schema extends z.core.$ZodType>(schema: Schema, meta: FieldMeta): Schema {
  metas.add(schema, meta)
  return schema
}

/** Declares an object of fields: unknown keys are mistakes, an absent section has its defaults, the result is frozen. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  // Each field has a default or is optional, so {} is a valid input; the type of a generic shape cannot say so.
  return z
    .strictObject(shape)
    .readonly()
    .prefault({} as never)
}

/** The mechanical name: `limits.frameBytesMax` becomes `SLUICE_LIMITS_FRAME_BYTES_MAX`. */
export function variableOf(path: string): string {
  return (
    VARIABLE_PREFIX +
    path
      .replaceAll('.', '_')
      .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
      .toUpperCase()
  )
}

/** A field as mistakes name it: `SLUICE_NATS_URL (nats.url)`. */
export function nameOf({ variable, path }: Pick<Field, 'variable' | 'path'>): string {
  return `${variable} (${path})`
}

/** All fields of a schema, in the order of their declaration. */
export function listFields(schema: z.core.$ZodType): readonly Field[] {
  return walk(schema, '')
}

function walk(schema: z.core.$ZodType, path: string): Field[] {
  const meta = metas.get(schema)
  if (meta !== undefined) return [describe(schema, meta, path)]
  const core = unwrap(schema)
  if (!(core instanceof z.ZodObject)) throw new TypeError(`configuration field without a description: ${path}`)
  return Object.entries(core.shape).flatMap(([key, child]) =>
    walk(child as z.core.$ZodType, path === '' ? key : `${path}.${key}`),
  )
}

function describe(schema: z.core.$ZodType, meta: FieldMeta, path: string): Field {
  const core = unwrap(schema)
  const fallback = defaultOf(schema)
  return {
    ...meta,
    path,
    variable: variableOf(path),
    kind: meta.json === true ? 'json' : kindOf(core, path),
    ...(fallback === undefined ? {} : { default: fallback }),
    allowed: meta.allowed ?? allowedBy(core, path),
    schema,
  }
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let core = schema
  for (;;) {
    const def = core._zod.def
    if (!('innerType' in def)) return core
    core = def.innerType as z.core.$ZodType
  }
}

function defaultOf(schema: z.core.$ZodType): unknown {
  const def = schema._zod.def
  return 'defaultValue' in def ? def.defaultValue : undefined
}

function kindOf(core: z.core.$ZodType, path: string): FieldKind {
  const { type } = core._zod.def
  if (type === 'number' || type === 'boolean') return type
  if (type === 'array') return 'list'
  if (type === 'string') return 'text'
  if (type === 'enum') return 'choice'
  throw new TypeError(`configuration field of a kind that no variable can hold: ${path} (${type})`)
}

function allowedBy(core: z.core.$ZodType, path: string): string {
  if (core instanceof z.ZodNumber) return `a whole number from ${core.minValue} to ${core.maxValue}`
  if (core instanceof z.ZodBoolean) return 'true or false'
  if (core instanceof z.ZodEnum) return `one of ${core.options.join(', ')}`
  throw new TypeError(`configuration field that does not say what is allowed: ${path}`)
}
