// What a tier says of its configuration, in one call; everything else is derived from it: variables, mistakes, loading, the table
// for operators. Which sections the file has, and whose they are, is in file-sections.ts.
import type * as z from 'zod'
import type { Environment, ReadFile } from './config-file.ts'
import { indexFields } from './field-index.ts'
import { type Field, listFields } from './fields.ts'
import { type ConfigLoad, loadConfig } from './load-config.ts'
import type { Broken, Given } from './relations.ts'

/** See {@link defineConfig}. */
export interface ConfigOptions<Config> {
  /** One strict object; each of its leaves is a field(), each object below it a section(). */
  readonly schema: z.ZodType<Config>
  /** Sections of other tiers; of these, what our schema has no field for is ignored. Default: none. */
  readonly foreign?: readonly string[]
  /** Every relation between fields that does not hold. Default: there are no relations. */
  brokenBy?(given: Given<Config>): readonly Broken[]
  /** Defaults, by path, that depend on what else is set. Default: there are none. */
  derivedDefaults?(isSet: (path: string) => boolean): Readonly<Record<string, unknown>>
}

/** The configuration of one tier, before it has values. */
export interface ConfigDefinition<Config> {
  /** Every field, in the order of the operators' table. */
  readonly fields: readonly Field[]
  /**
   * Loads and checks the whole configuration. Called at start, and whenever the file changes.
   *
   * @param env - the whole environment
   * @param readFile - reads the configuration file, secrets, and whatever else must be readable
   */
  load(env: Environment, readFile: ReadFile): ConfigLoad<Config>
}

/**
 * Defines a tier's configuration. Called once, where the module of the schema is loaded.
 *
 * @throws TypeError for a leaf of the schema that is no field, or that no variable can hold
 */
export function defineConfig<Config>(options: ConfigOptions<Config>): ConfigDefinition<Config> {
  const { schema, foreign = [], brokenBy = () => [], derivedDefaults = () => ({}) } = options
  const fields = indexFields(listFields(schema))
  const rules = { schema, fields, foreign, brokenBy, derivedDefaults }
  return { fields: fields.all, load: (env, readFile) => loadConfig(rules, env, readFile) }
}
