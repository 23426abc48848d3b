// Loads a configuration from the environment and one file: the environment wins, all mistakes are told together. Pure but for the
// reader that it is given; owns the order of the steps, not the rules (schema, relations) nor the words (mistakes).
import type * as z from 'zod'
import { configPath, type Environment, type ReadFile, readConfigFile, readText } from './config-file.ts'
import type { FieldIndex } from './field-index.ts'
import { nameOf } from './fields.ts'
import { tellBroken, tellIssue } from './mistakes.ts'
import { type RawConfig, readAt, withoutForeign, writeAt } from './raw-config.ts'
import type { Broken, Given } from './relations.ts'
import { readVariables } from './variables.ts'

/** A complete configuration, or every mistake as a sentence that names the variable and never shows a secret. */
export type ConfigLoad<Config> =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly mistakes: readonly string[] }

/** What holds for one tier's configuration. */
export interface ConfigRules<Config> {
  readonly schema: z.ZodType<Config>
  readonly fields: FieldIndex
  /** See {@link withoutForeign}. */
  readonly foreign: readonly string[]
  /** Every relation between fields that does not hold. */
  brokenBy(given: Given<Config>): readonly Broken[]
  /** Defaults, by path, that depend on what is set; each counts only where its own field is not set. */
  derivedDefaults(isSet: (path: string) => boolean): Readonly<Record<string, unknown>>
}

/**
 * Loads and checks the whole configuration.
 *
 * @param env - the whole environment; see variables.ts for what of it counts
 * @param readFile - reads the configuration file, secrets, and whatever else must be readable
 */
export function loadConfig<Config>(
  rules: ConfigRules<Config>,
  env: Environment,
  readFile: ReadFile,
): ConfigLoad<Config> {
  const { schema, fields } = rules
  const mistakes: string[] = []
  const { raw, complete } = readRaw(rules, env, readFile, mistakes)
  const set = new Set(fields.all.filter(({ path }) => readAt(raw, path) !== undefined).map(({ path }) => path))
  const isSet = (path: string): boolean => set.has(path)
  const fromFiles = readSecrets(fields, raw, isSet, readFile, mistakes)
  for (const [path, value] of Object.entries(rules.derivedDefaults(isSet))) if (!isSet(path)) writeAt(raw, path, value)

  const parsed = schema.safeParse(raw)
  if (parsed.success) {
    if (complete) mistakes.push(...tellRelations(rules, { config: parsed.data, isSet }, new Set()))
    return mistakes.length === 0 ? { ok: true, config: parsed.data } : { ok: false, mistakes }
  }
  for (const issue of parsed.error.issues) {
    const field = fields.at(issue.path)
    const secretFile = fromFiles.get(field?.path ?? '')
    if (field === undefined || secretFile === undefined) mistakes.push(...tellIssue(fields, issue, raw))
    else mistakes.push(`${secretFile}: the content of the file is not shown; allowed: ${field.allowed}`)
  }
  if (complete) mistakes.push(...tellRelationsOfTheRest(rules, raw, isSet, parsed.error.issues))
  return { ok: false, mistakes }
}

interface Raw {
  readonly raw: RawConfig
  /** False where the file could not be read: what the fields demand of each other would then mislead. */
  readonly complete: boolean
}

/** The file with the variables written over it, without what is another tier's. */
function readRaw<Config>(
  { fields, foreign }: ConfigRules<Config>,
  env: Environment,
  readFile: ReadFile,
  mistakes: string[],
): Raw {
  const path = configPath(env)
  const file = path === null ? null : readConfigFile(path, readFile)
  if (file?.ok === false) mistakes.push(file.mistake)
  const raw = withoutForeign(file?.ok === true ? file.raw : {}, foreign, fields.all)
  const variables = readVariables(env, fields.all, foreign)
  mistakes.push(...variables.mistakes)
  for (const [field, value] of variables.values) writeAt(raw, field.path, value)
  return { raw, complete: file?.ok !== false }
}

/**
 * Puts the content of secrets' files where the secrets belong, and checks that every other file can be read.
 *
 * @returns for the path of each field filled here, the name of the field that named the file
 */
function readSecrets(
  fields: FieldIndex,
  raw: RawConfig,
  isSet: (path: string) => boolean,
  readFile: ReadFile,
  mistakes: string[],
): ReadonlyMap<string, string> {
  const fromFiles = new Map<string, string>()
  for (const field of fields.all) {
    const path = readAt(raw, field.path)
    if (field.file !== true || typeof path !== 'string' || path === '') continue
    const read = readText(path, readFile)
    if (!read.ok) {
      mistakes.push(`${nameOf(field)} is ${JSON.stringify(path)}, which cannot be read (${read.reason})`)
      continue
    }
    if (field.contentOf === undefined || isSet(field.contentOf)) continue
    writeAt(raw, field.contentOf, read.text.replace(/\r?\n$/, ''))
    fromFiles.set(field.contentOf, nameOf(field))
  }
  return fromFiles
}

/** The relations that do not hold. Those that name a field which is a mistake already are left out. */
function tellRelations<Config>(
  { brokenBy, fields }: ConfigRules<Config>,
  given: Given<Config>,
  wrong: ReadonlySet<string>,
): readonly string[] {
  const broken = brokenBy(given).filter(({ paths }) => !paths.some((path) => wrong.has(path)))
  return broken.map((one) => tellBroken(fields, one, given.config))
}

interface Issue {
  readonly path: readonly PropertyKey[]
}

/** The relations among valid fields: those that are mistakes get their defaults, so that the rest can be judged. */
function tellRelationsOfTheRest<Config>(
  rules: ConfigRules<Config>,
  raw: RawConfig,
  isSet: (path: string) => boolean,
  issues: readonly Issue[],
): readonly string[] {
  const { fields, schema } = rules
  const wrong = new Set(issues.map((issue) => fields.at(issue.path)?.path ?? ''))
  const rest: RawConfig = {}
  for (const { path } of fields.all) {
    const value = readAt(raw, path)
    if (value !== undefined && !wrong.has(path)) writeAt(rest, path, value)
  }
  const parsed = schema.safeParse(rest)
  if (!parsed.success) throw new Error('a configuration without its mistakes must be valid', { cause: parsed.error })
  return tellRelations(rules, { config: parsed.data, isSet }, wrong)
}
