// The accounts and permissions of deploy/nats as a test's nats-server has them, and processes with exactly those rights. The file is
// used as it stands, so that what operators copy is what was tested; only the prefix of a second installation is put into its text.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node'
import { DEFAULT_SETTINGS, type GatewayOptions, type GatewayProcess } from './gateway.ts'
import type { NatsServer } from './nats.ts'
import type { RouterProcess } from './router.ts'
import { secret } from './secrets.ts'
import type { Stage } from './stage.ts'

const ACCOUNTS = resolve(import.meta.dirname, '../../deploy/nats/accounts.conf')

/** Who there is in the file. */
export const NATS_USERS = [
  'gateway',
  'router',
  'operator',
  'pusher',
  'asker',
  'audit',
  'orders',
  'doors',
  'moderator',
  'sys',
] as const

/** One of {@link NATS_USERS}. */
export type NatsUser = (typeof NATS_USERS)[number]

/** A nats-server with these accounts. */
export interface NatsWithAccounts {
  readonly nats: NatsServer
  readonly passwords: Readonly<Record<NatsUser, string>>
  /** A client of the test's own as one of the users. */
  connect(user: NatsUser, options?: ConnectionOptions): Promise<NatsConnection>
  /** A ready router as the user `router`. */
  router(settings: object, env?: NodeJS.ProcessEnv): Promise<RouterProcess>
  /** A ready gateway as the user `gateway`. */
  gateway(settings: object, options?: GatewayOptions): Promise<GatewayProcess>
  /** One that may never be. */
  launchGateway(settings: object, options?: GatewayOptions): GatewayProcess
}

/** See {@link startNatsWithAccounts}. */
export interface AccountsOptions {
  /** What is made of the file's text, for a test with narrower rights. */
  readonly change?: (accounts: string) => string
}

/** Starts a server with the accounts of deploy/nats. */
export async function startNatsWithAccounts(stage: Stage, { change }: AccountsOptions = {}): Promise<NatsWithAccounts> {
  const accounts = readFileSync(ACCOUNTS, 'utf8')
  const passwords = Object.fromEntries(NATS_USERS.map((user) => [user, secret(`p${randomBytes(16).toString('hex')}`)]))
  const variables = Object.entries(passwords).map(
    ([user, password]) => `SLUICE_${user.toUpperCase()}_PASSWORD: "${password}"`,
  )
  const nats = await stage.nats({ lines: [...variables, change?.(accounts) ?? accounts] })
  const as = (user: NatsUser) => ({ user, password: passwords[user] ?? '' })
  const gatewayOptions = (settings: object, options: GatewayOptions = {}): GatewayOptions => ({
    ...options,
    settings: { ...DEFAULT_SETTINGS, ...settings, ...options.settings, nats: as('gateway') },
  })
  return {
    nats,
    passwords: passwords as Record<NatsUser, string>,
    connect(user, options = {}) {
      const { password } = as(user)
      return nats.connect({ user, pass: password, ...options })
    },
    router: (settings, env = {}) =>
      stage.router(nats, {
        ...variablesOf(settings),
        SLUICE_NATS_USER: 'router',
        SLUICE_NATS_PASSWORD: as('router').password,
        ...env,
      }),
    gateway: (settings, options) => stage.gateway(nats, gatewayOptions(settings, options)),
    launchGateway: (settings, options) => stage.launch(nats.url, gatewayOptions(settings, options)),
  }
}

/** Sections of the file as a router reads them from variables. */
export function variablesOf(settings: object): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`SLUICE_${name.toUpperCase()}`, JSON.stringify(value)]),
  )
}
