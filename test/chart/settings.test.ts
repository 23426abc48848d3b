// What the chart tells the processes is judged by the processes' own loader: the rendered variables and the rendered file of each tier are
// a configuration without mistakes, and say what the values say.
import type { ConfigDefinition } from '@sluice/service/config/define-config'
import type { Field } from '@sluice/service/config/fields'
import { beforeEach, describe, expect, test } from 'vitest'
import { gatewayConfig } from '../../gateway/src/config/gateway-config.ts'
import { routerConfig } from '../../router/src/config/router-config.ts'
import { VALUE_SETS } from './chart-files.ts'
import { configFields, LIVE } from './config-schema.ts'
import { NO_HELM, render } from './helm.ts'
import { at, container, deployment, ofKind, variables } from './release.ts'

beforeEach(({ skip }) => skip(NO_HELM !== undefined, NO_HELM))

const TIERS = { gateway: gatewayConfig, router: routerConfig } as const
type TierName = keyof typeof TIERS

/** The configuration file of a release, as text. */
function file(set: string, ...flags: string[]): string {
  const [map] = ofKind(render(set, ...flags), 'ConfigMap', 'config')
  return String((at(map, 'data') as Record<string, string>)['sluice.json'])
}

/** The configuration that a pod of a tier would start with; throws with all mistakes. */
function load(set: string, tier: TierName, ...flags: string[]): Record<string, never> {
  const env = variables(container(deployment(render(set, ...flags), tier)))
  const read = (path: string): string => (path === env.SLUICE_CONFIG ? file(set, ...flags) : 'x'.repeat(40))
  const loaded = (TIERS[tier] as ConfigDefinition<unknown>).load(env, read)
  if (!loaded.ok) throw new Error(loaded.mistakes.join('\n'))
  return loaded.config as Record<string, never>
}

describe.each(VALUE_SETS)('with the %s values', (set) => {
  const tiers = (): TierName[] =>
    (Object.keys(TIERS) as TierName[]).filter((tier) => ofKind(render(set), 'Deployment', tier).length > 0)

  test('every pod starts: its configuration has no mistake', () => {
    for (const tier of tiers()) expect(load(set, tier)).toMatchObject({ nats: { prefix: expect.any(String) } })
  })

  test('no pod is told what its tier does not read', () => {
    for (const tier of tiers()) {
      const read = new Set(['SLUICE_CONFIG', ...TIERS[tier].fields.map(({ variable }) => variable)])
      const told = Object.keys(variables(container(deployment(render(set), tier))))
      expect(told.filter((name) => name.startsWith('SLUICE_') && !read.has(name))).toEqual([])
    }
  })

  test('the file holds only what processes take over while they run', () => {
    const { log, ...rest } = JSON.parse(file(set)) as Record<string, object>
    const paths = [...Object.keys(rest), ...Object.keys(log ?? {}).map((key) => `log.${key}`)]
    expect(paths.filter((path) => !LIVE.includes(path))).toEqual([])
    for (const { fields } of Object.values(TIERS))
      expect(
        fields
          .filter(({ live }) => live === true)
          .map(({ path }) => path)
          .sort(),
      ).toEqual([...LIVE].sort())
  })
})

test('values say what processes are told', () => {
  expect(load('full', 'gateway')).toMatchObject({
    nats: {
      url: ['tls://nats-0.nats.nats:4222', 'tls://nats-1.nats.nats:4222', 'tls://nats-2.nats.nats:5222'],
      prefix: 'chat',
      user: 'chat-gateway',
      passwordFile: '/etc/sluice/nats/credentials',
      tls: { caFile: '/etc/sluice/nats-tls/ca.crt' },
    },
    listen: { path: '/chat/ws', port: 8080 },
    accept: {
      origins: ['https://app.example.com', 'https://admin.example.com'],
      trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
      connectionsMax: 20_000,
      userConnectionsClose: 'newest',
    },
    auth: { grants: { send: ['*'] }, algorithms: ['HS256', 'HS512'], audience: ['chat', 'support'], userClaim: 'uid' },
    drain: { windowMs: 120_000, marginMs: 20_000 },
    log: { level: 'debug' },
    namespaces: { chat: { presence: true, history: { messages: 1000, seconds: 86_400 } } },
  })
  expect(load('full', 'router')).toMatchObject({
    nats: { user: 'chat-router' },
    accept: { userConnectionsMax: 8 },
    limits: { payloadBytesMax: 524_288 },
    router: { replicas: 3, drainMs: 20_000, drainMarginMs: 15_500, eventsBytesMax: 1_099_511_627_776 },
  })
})

test('one server of NATS keeps one copy', () => {
  expect(load('embedded', 'router')).toMatchObject({ router: { replicas: 1 } })
  expect(load('minimal', 'router')).toMatchObject({ router: { replicas: 3 } })
})

test.each([
  ['creds', 'credsFile'],
  ['nkey', 'nkeyFile'],
  ['token', 'tokenFile'],
  ['password', 'passwordFile'],
])('credentials of type %s are %s', (type, field) => {
  const flags = ['--set', 'nats.existingSecret=users', '--set', `nats.auth.type=${type}`]
  for (const tier of ['gateway', 'router'] as const)
    expect(load('minimal', tier, ...flags)).toMatchObject({ nats: { [field]: '/etc/sluice/nats/credentials' } })
})

test('without a key set tokens are checked with the Secret of the release, for which pods wait', () => {
  const gateway = deployment(render('embedded'), 'gateway')
  const volume = gateway.spec.template.spec.volumes.find(({ name }) => name === 'token')
  expect(volume?.secret).toMatchObject({ secretName: 'live-jwt', items: [{ key: 'secret', path: 'secret' }] })
  expect(at(volume, 'secret.optional')).toBeUndefined()
})

test('each setting that `config` takes reaches every tier that reads it, and no other', () => {
  const fields = configFields()
  const flags = fields.map((field) => `--set-json=config.${field.path}=${sampleOf(field)}`)
  const objects = render('minimal', ...flags)
  for (const tier of ['gateway', 'router'] as const) {
    const told = variables(container(deployment(objects, tier)))
    const read = TIERS[tier].fields.map(({ path }) => path)
    for (const { path, variable } of fields) expect(variable in told, `${path} in a ${tier}`).toBe(read.includes(path))
  }
})

/** A value of the setting's kind that its schema takes, as JSON. */
function sampleOf({ path, kind, default: fallback }: Field): string {
  if (path === 'auth.algorithms') return '["RS256"]'
  if (kind === 'json') return '{"send":["*"]}'
  return JSON.stringify(fallback ?? 'x')
}
