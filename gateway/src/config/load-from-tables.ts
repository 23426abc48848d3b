// Loads configurations of a gateway from tables in place of the process and the disk. For tests only.
import type { Environment } from '@sluice/service/config/config-file'
import type { ConfigLoad } from '@sluice/service/config/load-config'
import {
  configFromTables,
  type Files,
  loadFromTables,
  mistakesFromTables,
} from '@sluice/service/config/load-from-tables'
import type { GatewayConfig } from './config-schema.ts'
import { gatewayConfig } from './gateway-config.ts'

/** A secret that is long enough. */
export const SECRET = 'a-secret-of-our-own-with-enough-bytes'

/** Another one. */
export const OTHER_SECRET = 'the-secret-before-with-enough-bytes-too'

/** Loads as a process with this environment and these files would. */
export function load(env: Environment, files?: Files): ConfigLoad<GatewayConfig> {
  return loadFromTables(gatewayConfig, env, files)
}

/** The configuration, with {@link SECRET} unless the environment says otherwise; throws its mistakes. */
export function configOf(env: Environment, files?: Files): GatewayConfig {
  return configFromTables(gatewayConfig, { SLUICE_AUTH_SECRET: SECRET, ...env }, files)
}

/** The mistakes, with {@link SECRET} unless the environment says otherwise. */
export function mistakesOf(env: Environment, files?: Files): readonly string[] {
  return mistakesFromTables(gatewayConfig, { SLUICE_AUTH_SECRET: SECRET, ...env }, files)
}
