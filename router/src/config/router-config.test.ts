import { configFromTables, mistakesFromTables } from '@sluice/service/config/load-from-tables'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { routerConfig } from './router-config.ts'

describe('the configuration of a router', () => {
  test('needs nothing', () => {
    const { router, nats, accept } = configFromTables(routerConfig, {})
    expect(router).toMatchObject({ admin: { host: '0.0.0.0', port: 9090 }, replicas: 1, eventsSeconds: 86_400 })
    expect(nats.prefix).toBe('sluice')
    expect(accept).toEqual({ userConnectionsMax: 32, userConnectionsClose: 'oldest' })
  })

  test("takes the limit of connections from the gateway's section, and leaves all else there alone", () => {
    const file = { accept: { origins: ['*'], userConnectionsMax: 3 }, auth: { secret: 'x' }, listen: { port: 1 } }
    const env = { SLUICE_ACCEPT_USER_CONNECTIONS_CLOSE: 'newest', SLUICE_LISTEN_PORT: '8080' }
    const { accept } = configFromTables(routerConfig, env, { '/config.json': file })
    expect(accept).toEqual({ userConnectionsMax: 3, userConnectionsClose: 'newest' })
  })

  test('is refused for what does not fit together at NATS', () => {
    expect(mistakesFromTables(routerConfig, { SLUICE_NATS_USER: 'sluice' })).toHaveLength(1)
  })

  test('can change nothing while the router runs but the log level, and what histories keep', () => {
    expect(routerConfig.fields.filter(({ live }) => live === true).map(({ path }) => path)).toEqual([
      'log.level',
      'namespaces',
      'inbox',
    ])
  })

  test('accepts the bounds of its numbers and nothing one beyond', () => {
    for (const { kind, schema, path, ...rest } of routerConfig.fields) {
      if (kind !== 'number') continue
      const [min = 0, max = 0] = (/from (\d+) to (\d+)$/.exec(rest.allowed) ?? []).slice(1).map(Number)
      for (const value of [min, max, rest.default])
        expect(z.safeParse(schema, value).success, `${path} ${value}`).toBe(true)
      for (const value of [min - 1, max + 1]) expect(z.safeParse(schema, value).success, `${path} ${value}`).toBe(false)
    }
  })
})
