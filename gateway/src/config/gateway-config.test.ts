import { describe, expect, test } from 'vitest'
import { configOf, mistakesOf, OTHER_SECRET, SECRET } from './load-from-tables.ts'
import { LOCAL_SECRET } from './local-secret.ts'

describe('a configuration', () => {
  test('needs nothing but a source of keys', () => {
    const config = configOf({})
    expect(config.auth.secret).toBe(SECRET)
    expect(config.listen).toEqual({ host: '0.0.0.0', port: 8080, path: '/ws', tls: {} })
    expect(config.admin).toEqual({ host: '0.0.0.0', port: 9080 })
    expect(config.nats.url).toEqual(['nats://127.0.0.1:4222'])
    expect(config.namespaces.default?.join.who).toBe('granted')
    expect(config.auth.grants).toEqual({})
  })

  test('takes a value from the file, and from the variable where both say something', () => {
    const files = { '/config.json': { listen: { port: 1000, path: '/a' }, log: { level: 'warn' } } }
    const config = configOf({ SLUICE_LISTEN_PORT: '2000', SLUICE_AUTH_GRANTS: '{"send":["*"]}' }, files)
    expect(config.listen).toMatchObject({ port: 2000, path: '/a' })
    expect(config.log.level).toBe('warn')
    expect(config.auth.grants).toEqual({ send: ['*'] })
  })

  test('leaves the router its variables and its section of the file', () => {
    expect(mistakesOf({ SLUICE_ROUTER_ANYTHING: 'x' }, { '/config.json': { router: { shards: 64 } } })).toEqual([])
  })

  test('is not misled by what Kubernetes sets for a Service named sluice-admin', () => {
    expect(configOf({ SLUICE_ADMIN_PORT: 'tcp://10.0.0.1:9080' }).admin.port).toBe(9080)
  })
})

describe('mistakes', () => {
  test('are told in the order of the schema, then those of relations', () => {
    const env = { SLUICE_LOG_LEVEL: 'loud', SLUICE_LISTEN_PORT: '99999', SLUICE_LOCAL: 'yes' }
    const file = { limits: { silenceMs: 20_000, queueBytesMax: 'big' } }
    expect(mistakesOf(env, { '/config.json': file })).toEqual([
      'SLUICE_LOCAL (local) is "yes"; allowed: true or false',
      'SLUICE_LISTEN_PORT (listen.port) is 99999; allowed: a whole number from 0 to 65535',
      'SLUICE_LIMITS_QUEUE_BYTES_MAX (limits.queueBytesMax) is "big"; allowed: a whole number from 65536 to 67108864',
      'SLUICE_LOG_LEVEL (log.level) is "loud"; allowed: one of trace, debug, info, warn, error, fatal',
      expect.stringMatching(/SLUICE_LIMITS_SILENCE_MS \(limits.silenceMs\) is 20000.*twice heartbeatMs/),
    ])
  })

  test('inside grants say where', () => {
    expect(mistakesOf({}, { '/config.json': { auth: { grants: { sned: ['hush'] } } } })).toEqual([
      'SLUICE_AUTH_GRANTS (auth.grants) at sned is no setting of Sluice',
    ])
  })

  test('hide the query of an address', () => {
    expect(mistakesOf({ SLUICE_AUTH_SECRET: '', SLUICE_AUTH_JWKS_URL: 'ftp://a/?key=hush' })).toEqual([
      expect.stringContaining('SLUICE_AUTH_JWKS_URL (auth.jwksUrl) is "ftp://a/?key=***"'),
    ])
  })
})

describe('token secrets', () => {
  test('come from files', () => {
    const config = configOf(
      { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_SECRET_FILE: '/now', SLUICE_AUTH_SECRET_PREVIOUS_FILE: '/before' },
      { '/now': `${SECRET}\n`, '/before': `${OTHER_SECRET}\r\n` },
    )
    expect(config.auth).toMatchObject({ secret: SECRET, secretPrevious: OTHER_SECRET })
  })

  test('are measured in bytes: 31 refused, 32 accepted', () => {
    expect(mistakesOf({ SLUICE_AUTH_SECRET: 'x'.repeat(31) })).toHaveLength(1)
    expect(mistakesOf({ SLUICE_AUTH_SECRET: 'é'.repeat(16) })).toEqual([])
  })

  test('in a file that cannot be read are one mistake: the rest is not guessed', () => {
    const env = { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_SECRET_FILE: '/gone', SLUICE_AUTH_SECRET_PREVIOUS: OTHER_SECRET }
    expect(mistakesOf(env)).toEqual([
      'SLUICE_AUTH_SECRET_FILE (auth.secretFile) is "/gone", which cannot be read (ENOENT)',
    ])
  })

  test('of the local runner are refused outside of local mode', () => {
    const known = { SLUICE_AUTH_SECRET: LOCAL_SECRET }
    expect(mistakesOf(known)).toEqual([expect.stringContaining('local mode only')])
    expect(mistakesOf({ SLUICE_AUTH_SECRET_PREVIOUS: LOCAL_SECRET })).toEqual([
      expect.stringContaining('local mode only'),
    ])
    expect(mistakesOf({ ...known, SLUICE_LOCAL: 'true' })).toEqual([])
    const fromFile = { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_SECRET_FILE: '/now' }
    expect(mistakesOf(fromFile, { '/now': LOCAL_SECRET })).toEqual([expect.stringContaining('local mode only')])
  })
})
