// The gateway's configuration as the machinery in service knows it: the schema, what its fields demand of each other, and what
// follows from what is set. Loaded by main.ts.
import { defineConfig } from '@sluice/service/config/define-config'
import { sectionsForeignTo } from '@sluice/service/config/file-sections'
import { JWKS_ALGORITHMS } from './auth-section.ts'
import { configSchema } from './config-schema.ts'
import { brokenBy } from './relations.ts'

/** Everything that can be set on a gateway. */
export const gatewayConfig = defineConfig({
  schema: configSchema,
  foreign: sectionsForeignTo('gateway'),
  brokenBy,
  // The default of the algorithms follows from where the keys come from.
  derivedDefaults: (isSet) => (isSet('auth.jwksUrl') ? { 'auth.algorithms': [...JWKS_ALGORITHMS] } : {}),
})
