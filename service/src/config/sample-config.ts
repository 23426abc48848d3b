// A small configuration with a field of each kind, to test the machinery on. For tests only.
import * as z from 'zod'
import type { Environment } from './config-file.ts'
import { defineConfig } from './define-config.ts'
import { field, section } from './fields.ts'
import type { ConfigLoad } from './load-config.ts'
import { configFromTables, type Files, loadFromTables, mistakesFromTables } from './load-from-tables.ts'
import { logSection } from './log-section.ts'
import { namespacesField } from './namespaces-field.ts'
import { natsRelations, natsSection } from './nats-section.ts'
import { brokenAmong, type Relation } from './relations.ts'
import { pathSchema, portSchema } from './value-schemas.ts'

const KEY = 'text of 4 to 8 characters'

const schema = z
  .strictObject({
    nats: natsSection,
    log: logSection,
    namespaces: namespacesField,
    shop: section({
      open: field(z.boolean().default(false), { description: 'Whether there is anything to buy.' }),
      port: field(portSchema.default(80), { description: 'Port of the shop.' }),
      key: field(z.string().min(4).max(8).optional(), { description: 'Key of the door.', allowed: KEY, secret: true }),
      keyFile: field(pathSchema.optional(), {
        description: 'File with the key of the door.',
        allowed: `the path of a file with ${KEY}`,
        file: true,
        contentOf: 'shop.key',
      }),
      wares: field(z.array(z.enum(['tea', 'cake'])).default(['tea']), {
        description: 'What is sold.',
        allowed: 'a list of tea, cake',
      }),
      guestsMin: field(z.int().min(0).max(100).default(1), { description: 'Fewer guests close the shop.' }),
      guestsMax: field(z.int().min(0).max(100).default(10), { description: 'More guests wait outside.' }),
    }),
    kitchen: section({
      ovens: field(z.int().min(0).max(9).default(2), { description: 'The one field that we read of the other tier.' }),
    }),
  })
  .readonly()

/** See {@link sampleConfig}. */
export type SampleConfig = z.output<typeof schema>

const relations: readonly Relation<SampleConfig>[] = [
  ...natsRelations,
  {
    paths: ['shop.guestsMin', 'shop.guestsMax'],
    sentence: 'guestsMin must not be above guestsMax',
    holds: ({ config }) => config.shop.guestsMin <= config.shop.guestsMax,
  },
]

/** The sections `kitchen` and `garden` are another tier's. Cake is sold where the shop is open, unless it is said what is. */
export const sampleConfig = defineConfig({
  schema,
  foreign: ['kitchen', 'garden'],
  brokenBy: (given) => brokenAmong(relations, given),
  derivedDefaults: (isSet) => (isSet('shop.open') ? { 'shop.wares': ['cake'] } : {}),
})

/** Loads it as a process with this environment and these files would. */
export function load(env: Environment, files?: Files): ConfigLoad<SampleConfig> {
  return loadFromTables(sampleConfig, env, files)
}

/** Its values; throws its mistakes. */
export function configOf(env: Environment, files?: Files): SampleConfig {
  return configFromTables(sampleConfig, env, files)
}

/** Its mistakes. */
export function mistakesOf(env: Environment, files?: Files): readonly string[] {
  return mistakesFromTables(sampleConfig, env, files)
}
