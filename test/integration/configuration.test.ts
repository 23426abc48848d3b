import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { secret } from '../harness/secrets.ts'
import { test } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'

/** The secret of local runs, which stands in a public repository. */
const KNOWN_SECRET = 'sluice-local-secret-never-use-in-production'

describe('a configuration with mistakes', () => {
  test('is refused with all of them together, by the variable’s name, and exit code 2', async ({ stage }) => {
    const password = secret('a password that is a mistake')
    const gateway = stage.launch('http://example.com', {
      bare: true,
      settings: { limits: { heartbeatMs: 30_000, silenceMs: 40_000 }, nats: { pasword: password } },
      env: {
        SLUICE_AUTH_SECRET: secret('too short'),
        SLUICE_ACCEPT_CONNECTIONS_MAX: 'many',
        SLUICE_NATS_PREFIX: 'a.b',
        SLUICE_LIMITS_ROOM_MAX: '1',
        SLUICE_NAMESPACES: '{"chat":{"join":{"who":"everyone"}}}',
      },
    })
    expect(await gateway.child.exited).toEqual({ code: 2, signal: null })
    const told = gateway.child.lines.join('\n')
    const named = [
      'SLUICE_NATS_URL',
      'SLUICE_AUTH_SECRET',
      'SLUICE_ACCEPT_CONNECTIONS_MAX',
      'SLUICE_NATS_PREFIX',
      'SLUICE_LIMITS_ROOM_MAX',
      'SLUICE_NAMESPACES',
      'SLUICE_LIMITS_SILENCE_MS',
      'pasword',
    ]
    expect(named.filter((name) => !told.includes(name))).toEqual([])
  })

  test('needs exactly one way to check tokens', async ({ stage }) => {
    const none = stage.launch('nats://127.0.0.1:1', { bare: true })
    expect(await none.child.exited).toEqual({ code: 2, signal: null })
    expect(none.child.lines.join('\n')).toContain('SLUICE_AUTH_SECRET')
    const both = stage.launch('nats://127.0.0.1:1', { env: { SLUICE_AUTH_JWKS_URL: 'https://id.example/jwks' } })
    expect(await both.child.exited).toEqual({ code: 2, signal: null })
    expect(both.child.lines.join('\n')).toContain('SLUICE_AUTH_JWKS_URL')
  })

  test('does not start outside local mode with the secret that everyone knows', async ({ stage }) => {
    const gateway = stage.launch('nats://127.0.0.1:1', { settings: { auth: { secret: KNOWN_SECRET } } })
    expect(await gateway.child.exited).toEqual({ code: 2, signal: null })
    expect(gateway.child.lines.join('\n')).toContain('SLUICE_AUTH_SECRET')
  })

  test('never shows credentials that stand in an address', async ({ stage }) => {
    const gateway = stage.launch(`nats://user:${secret('password-in-an-address')}@127.0.0.1:4222`)
    expect(await gateway.child.exited).toEqual({ code: 2, signal: null })
    expect(gateway.child.lines.join('\n')).toContain('SLUICE_NATS_URL')
  })
})

test('a taken port ends the gateway with exit code 1 and the name of the setting', async ({ stage }) => {
  const nats = await stage.nats()
  const server = createServer().listen(0, '127.0.0.1')
  stage.use({ [Symbol.asyncDispose]: async () => void server.close() })
  await eventually(() => server.listening).toBe(true)
  const { port } = server.address() as { port: number }
  for (const section of ['listen', 'admin']) {
    const settings = { [section]: { host: '127.0.0.1', port } }
    const gateway = stage.launch(nats.url, { settings, expectErrors: true })
    expect(await gateway.child.exited).toEqual({ code: 1, signal: null })
    expect(gateway.log.at(-1)?.reason).toContain(`SLUICE_${section.toUpperCase()}_PORT`)
  }
})

test('variables win over the file, and secrets may stand in files', async ({ stage }) => {
  const secretFile = join(stage.folder(), 'secret')
  writeFileSync(secretFile, `${SECRET}\n`)
  const gateway = await stage.gateway(await stage.nats(), {
    settings: { auth: { secret: undefined }, limits: { roomsMax: 3 } },
    env: { SLUICE_AUTH_SECRET_FILE: secretFile, SLUICE_LIMITS_ROOMS_MAX: '2', SLUICE_LISTEN_PATH: '/ws' },
  })
  const ann = await stage.user(gateway, 'ann')
  await ann.join('chat:1')
  await ann.join('chat:2')
  expect(await ann.refused({ type: 'join', room: 'chat:3' })).toBe('room_limit')
})

test('a changed file applies without closing sockets, or is refused whole', async ({ stage }) => {
  const gateway = await stage.gateway(await stage.nats(), { expectErrors: true })
  const ann = await stage.user(gateway, 'ann')
  const config = JSON.parse(readFileSync(gateway.configPath, 'utf8'))
  expect(await ann.refused({ type: 'join', room: 'fresh:desk' })).toBe('unknown_namespace')

  const namespaces = { ...config.namespaces, fresh: { join: { who: 'anyone' } } }
  writeFileSync(gateway.configPath, JSON.stringify({ ...config, namespaces }))
  gateway.child.signal('SIGHUP')
  await gateway.logged('the configuration has changed')
  await ann.join('fresh:desk')

  writeFileSync(gateway.configPath, JSON.stringify({ ...config, limits: { ...config.limits, roomsMax: 1 } }))
  gateway.child.signal('SIGHUP')
  const refused = await gateway.logged('the changed configuration was refused')
  expect(JSON.stringify(refused.mistakes)).toContain('limits.roomsMax')
  await ann.join('fresh:other')
  expect(ann.close).toBeNull()
})
