// Loads configurations from tables in place of the process and the disk. For tests only, of every tier.
import { CONFIG_VARIABLE, type Environment } from './config-file.ts'
import type { ConfigDefinition } from './define-config.ts'
import type { ConfigLoad } from './load-config.ts'

/** Files by path; what is not text is written as JSON. `/config.json` is the configuration file, where it is there. */
export type Files = Readonly<Record<string, unknown>>

/** Loads as a process with this environment and these files would. */
export function loadFromTables<Config>(
  definition: ConfigDefinition<Config>,
  env: Environment,
  files: Files = {},
): ConfigLoad<Config> {
  const withFile = '/config.json' in files ? { [CONFIG_VARIABLE]: '/config.json', ...env } : env
  return definition.load(withFile, (path) => {
    const content = files[path]
    if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' })
    return typeof content === 'string' ? content : JSON.stringify(content)
  })
}

/** The configuration; throws its mistakes. */
export function configFromTables<Config>(
  definition: ConfigDefinition<Config>,
  env: Environment,
  files: Files = {},
): Config {
  const loaded = loadFromTables(definition, env, files)
  if (!loaded.ok) throw new Error(loaded.mistakes.join('\n'))
  return loaded.config
}

/** The mistakes; none where the configuration is valid. */
export function mistakesFromTables<Config>(
  definition: ConfigDefinition<Config>,
  env: Environment,
  files: Files = {},
): readonly string[] {
  const loaded = loadFromTables(definition, env, files)
  return loaded.ok ? [] : loaded.mistakes
}
