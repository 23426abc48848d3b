import { expect, test } from 'vitest'
import { LOCAL_SECRET } from '../../gateway/src/config/local-secret.ts'
import { type Options, parseOptions } from './options.ts'
import { authenticatesByEnvironment, type ProcessSpec, planProcesses } from './processes.ts'

function plan(argv: readonly string[], env: NodeJS.ProcessEnv = {}, ownAuthentication = false): readonly ProcessSpec[] {
  const parsed = parseOptions(argv, '/repository') as { readonly options: Options }
  return planProcesses(parsed.options, { env, ownAuthentication, findNatsServer: async () => 'nats-server' })
}

test('a run is nats-server, two gateways and a router on the documented ports', () => {
  const ports = plan([]).map(({ name, ports: claims }) => [name, ...claims.map(({ port }) => port)])
  expect(ports).toEqual([
    ['nats-server', 4222, 8222],
    ['gateway-1', 8080, 9080],
    ['gateway-2', 8081, 9081],
    ['router', 9090],
  ])
})

test('further gateways count up from the chosen ports', () => {
  const specs = plan(['--gateways=3', '--port=7000', '--admin-port=7100', '--nats-port=7200'])
  expect(specs.at(-1)?.ports.map(({ port }) => port)).toEqual([7110])
  const last = specs.at(-2)
  expect(last?.name).toBe('gateway-3')
  expect(last?.env).toMatchObject({
    SLUICE_LISTEN_PORT: '7002',
    SLUICE_ADMIN_PORT: '7102',
    SLUICE_NATS_URL: 'nats://127.0.0.1:7200',
    SLUICE_NAME: 'gateway-3',
  })
})

test('everything binds to the loopback address, as the secret is known to everyone', () => {
  const [nats, gateway] = plan([])
  expect(nats?.args.join(' ')).toContain('-a 127.0.0.1')
  expect(gateway?.env).toMatchObject({ SLUICE_LISTEN_HOST: '127.0.0.1', SLUICE_ADMIN_HOST: '127.0.0.1' })
})

test('gateways run in local mode with the local secret', () => {
  expect(plan([])[1]?.env).toMatchObject({ SLUICE_LOCAL: 'true', SLUICE_AUTH_SECRET: LOCAL_SECRET })
})

test('with SLUICE_NATS_URL no nats-server is started and the gateways use that one', () => {
  const specs = plan([], { SLUICE_NATS_URL: 'nats://elsewhere:4222' })
  expect(specs.map(({ name }) => name)).toEqual(['gateway-1', 'gateway-2', 'router'])
  expect(specs[0]?.env.SLUICE_NATS_URL).toBe('nats://elsewhere:4222')
})

test('an empty variable is no setting', () => {
  const [nats, gateway] = plan([], { SLUICE_NATS_URL: '', SLUICE_ACCEPT_ORIGINS: '' })
  expect(nats?.name).toBe('nats-server')
  expect(gateway?.env).toMatchObject({ SLUICE_NATS_URL: 'nats://127.0.0.1:4222', SLUICE_ACCEPT_ORIGINS: '*' })
})

test('settings of the environment reach the gateways and win over ours', () => {
  const env = { SLUICE_LIMITS_ROOMS_MAX: '7', SLUICE_DRAIN_WINDOW_MS: '5' }
  expect(plan([], env)[1]?.env).toMatchObject(env)
  expect(plan([])[1]?.graceMs).toBe(6_000)
  expect(plan([], env)[1]?.graceMs).toBe(5_005)
})

test('where tokens are checked otherwise, the known secret is left out', () => {
  expect(plan([], {}, true)[1]?.env).not.toHaveProperty('SLUICE_AUTH_SECRET')
  expect(authenticatesByEnvironment({ SLUICE_AUTH_JWKS_URL: 'https://a/jwks' })).toBe(true)
  expect(authenticatesByEnvironment({ SLUICE_AUTH_SECRET: '' })).toBe(false)
})
