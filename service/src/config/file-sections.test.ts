import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { adminSection } from './admin-section.ts'
import { defineConfig } from './define-config.ts'
import { field, section } from './fields.ts'
import { SECTION_OWNERS, type SectionOf, sectionsForeignTo } from './file-sections.ts'
import { inboxField } from './inbox-field.ts'
import { configFromTables, mistakesFromTables } from './load-from-tables.ts'
import { logSection, nameField } from './log-section.ts'
import { namespacesField } from './namespaces-field.ts'
import { natsSection } from './nats-section.ts'

test('each section is foreign to the tier that does not own it, and to no other', () => {
  const foreign = [sectionsForeignTo('gateway'), sectionsForeignTo('router')]
  for (const [section, owner] of Object.entries(SECTION_OWNERS)) {
    const times = foreign.filter((names) => names.some((name) => name === section)).length
    expect(times, section).toBe(owner === 'both' ? 0 : 1)
  }
  expect(foreign[0]).toEqual(['router'])
})

describe('a tier with its settings below a section of its own', () => {
  const config = defineConfig({
    schema: z.strictObject({
      nats: natsSection,
      log: logSection,
      namespaces: namespacesField,
      inbox: inboxField,
      router: section({ name: nameField(), admin: adminSection(9090) }),
      accept: section({
        userConnectionsMax: field(z.int().min(1).max(99).default(32), { description: 'Sockets of one user.' }),
      }),
    } satisfies Record<SectionOf<'router'>, z.core.$ZodType> & { accept: z.core.$ZodType }),
    foreign: sectionsForeignTo('router'),
  })

  test('has variables by the same rule as any other', () => {
    const variables = config.fields.map(({ variable }) => variable)
    expect(variables).toContain('SLUICE_ROUTER_NAME')
    expect(variables).toContain('SLUICE_ROUTER_ADMIN_PORT')
  })

  test('shares the file and the environment of the other tier without mixing anything up', () => {
    const file = {
      name: 'gw',
      listen: { port: 1 },
      admin: { port: 9 },
      accept: { origins: ['*'], userConnectionsMax: 3 },
    }
    const env = { SLUICE_ADMIN_PORT: '9080', SLUICE_LOCAL: 'true', SLUICE_AUTH_SECRET: 'x', SLUICE_LOG_LEVEL: 'warn' }
    const { router, log, accept } = configFromTables(config, env, { '/config.json': file })
    expect(router.admin.port).toBe(9090)
    expect(router.name).not.toBe('gw')
    expect(log.level).toBe('warn')
    expect(accept).toEqual({ userConnectionsMax: 3 })
  })

  test('judges every key of the sections that it owns, and that nobody owns', () => {
    expect(mistakesFromTables(config, { SLUICE_ROUTER_NAEM: 'x' }, { '/config.json': { rooter: {} } })).toEqual([
      'SLUICE_ROUTER_NAEM is no variable of Sluice; did you mean SLUICE_ROUTER_NAME?',
      'rooter in the configuration file is no setting of Sluice; did you mean router?',
    ])
  })
})
