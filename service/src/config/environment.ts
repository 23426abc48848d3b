// The services' only look at process.env and at the files that it names. Called by main.ts at start and for each reload.
import { readFileSync } from 'node:fs'
import { configPath } from './config-file.ts'
import type { ConfigDefinition } from './define-config.ts'
import type { ConfigLoad } from './load-config.ts'

/** Loads the configuration of this process. Reads synchronously: the files are few and small, and nothing runs without them. */
export function loadFromProcess<Config>(definition: ConfigDefinition<Config>): ConfigLoad<Config> {
  return definition.load(process.env, (path) => readFileSync(path, 'utf8'))
}

/** The path of this process's configuration file, or null where there is none. */
export function configPathOfProcess(): string | null {
  return configPath(process.env)
}
