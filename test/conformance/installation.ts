// Our own gateways as the suite wants them: NATS, a router and two gateways with the example configuration, and the description of them.
// For the tests of the suite; the suite itself knows nothing of it.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { DEFAULT_SETTINGS, type GatewayOptions } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import type { Stage } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'
import { ROLES, type Role, type Target } from './target.ts'
import { secretIssuer } from './tokens.ts'

/** The configuration that README.md gives as an example. */
export const EXAMPLE_CONFIG = JSON.parse(readFileSync(resolve(import.meta.dirname, 'example-config.json'), 'utf8'))

/** Shorter than the ten seconds of the protocol, so that a test need not wait for them. */
const SIGN_IN_MS = 2000

/** A gateway's options: the example and nothing that it does not say, but for what makes a test quick. */
export function exampleOptions({ auth = {}, namespaces = EXAMPLE_CONFIG.namespaces } = {}): GatewayOptions {
  const { namespaces: _, ...quick } = DEFAULT_SETTINGS
  const settings = {
    ...quick,
    ...EXAMPLE_CONFIG,
    auth: { secret: SECRET, ...EXAMPLE_CONFIG.auth, ...auth },
    accept: { ...quick.accept, ...EXAMPLE_CONFIG.accept, unauthenticatedWaitMs: SIGN_IN_MS },
    limits: EXAMPLE_CONFIG.limits,
    namespaces,
  }
  return { bare: true, settings }
}

/** How the suite is told of a server of ours. */
export function describe(urls: readonly string[], nats: NatsServer | null): Target {
  return {
    urls,
    issuer: secretIssuer(SECRET, Date.now),
    namespaces: Object.fromEntries(ROLES.map((role) => [role, role])) as Record<Role, string>,
    origin: EXAMPLE_CONFIG.accept.origins[0],
    nats: nats === null ? null : { url: nats.url, prefix: 'sluice' },
    signInMs: SIGN_IN_MS,
    lingerMs: 5000,
    toleranceMs: 5000,
    userConnectionsMax: 32,
    answerMs: 5000,
  }
}

/** NATS and a router that reads the example's namespaces. */
export async function startBackend(stage: Stage, env: NodeJS.ProcessEnv = {}): Promise<NatsServer> {
  const nats = await stage.nats()
  await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(EXAMPLE_CONFIG.namespaces), ...env })
  return nats
}
