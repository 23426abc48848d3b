// What one field of a gateway's configuration demands of another. Pure; when it is asked, and what is said of an answer, is the
// loader's.
import { brokenRelations, LIMITS } from '@sluice/proto'
import { natsRelations } from '@sluice/service/config/nats-section'
import { type Broken, brokenAmong, countSet, type Given, type Relation } from '@sluice/service/config/relations'
import { DRAIN_REST_MS } from '../drain/drain.ts'
import { JWKS_ALGORITHMS, SECRET_ALGORITHMS } from './auth-section.ts'
import type { GatewayConfig } from './config-schema.ts'
import { LOCAL_SECRET } from './local-secret.ts'

const KEY_SOURCES = ['auth.secret', 'auth.secretFile', 'auth.jwksUrl']

const keyRelations: readonly Relation<GatewayConfig>[] = [
  {
    paths: KEY_SOURCES,
    sentence: 'exactly one of these says whose tokens are believed (none only with auth.anonymous)',
    holds: (given) => {
      const sources = countSet(given, KEY_SOURCES)
      return sources === 1 || (sources === 0 && given.config.auth.anonymous)
    },
  },
  {
    paths: ['auth.secretPrevious', 'auth.secretPreviousFile'],
    sentence: 'at most one of these can be set',
    holds: (given) => countSet(given, ['auth.secretPrevious', 'auth.secretPreviousFile']) <= 1,
  },
  {
    paths: ['auth.secretPrevious', 'auth.secretPreviousFile'],
    sentence: 'a previous secret needs a present one (auth.secret or auth.secretFile)',
    holds: (given) =>
      countSet(given, ['auth.secretPrevious', 'auth.secretPreviousFile']) === 0 ||
      countSet(given, ['auth.secret', 'auth.secretFile']) > 0,
  },
  {
    paths: ['auth.secret', 'auth.secretFile', 'auth.secretPrevious', 'auth.secretPreviousFile', 'local'],
    sentence:
      'the secret of the local runner is known to everyone and accepted in local mode only; make one of your own, such as by `openssl rand -base64 48`',
    holds: ({ config }) =>
      config.local || (config.auth.secret !== LOCAL_SECRET && config.auth.secretPrevious !== LOCAL_SECRET),
  },
  {
    paths: ['auth.algorithms', 'auth.jwksUrl'],
    sentence: `HS256, HS384 and HS512 cannot be used with a key set, whose keys are public; usual are ${JWKS_ALGORITHMS.join(', ')}`,
    holds: ({ config, isSet }) =>
      !isSet('auth.algorithms') ||
      config.auth.jwksUrl === undefined ||
      !config.auth.algorithms.some((name) => name.startsWith('HS')),
  },
  {
    paths: ['auth.algorithms', 'auth.secret', 'auth.secretFile'],
    sentence: `with a shared secret only HS256, HS384 and HS512 can be used; usual is ${SECRET_ALGORITHMS.join(', ')}`,
    holds: ({ config, isSet }) =>
      !isSet('auth.algorithms') ||
      config.auth.secret === undefined ||
      config.auth.algorithms.every((name) => name.startsWith('HS')),
  },
]

const numberRelations: readonly Relation<GatewayConfig>[] = [
  {
    paths: ['accept.unauthenticatedMax', 'accept.connectionsMax'],
    sentence: 'unauthenticatedMax must not be above connectionsMax, which counts these sockets too',
    // The default alone must not refuse a small connectionsMax: then the smaller number is what binds.
    holds: ({ config, isSet }) =>
      !isSet('accept.unauthenticatedMax') || config.accept.unauthenticatedMax <= config.accept.connectionsMax,
  },
  {
    paths: ['accept.userConnectionsMax', 'accept.connectionsMax'],
    sentence: 'userConnectionsMax must not be above connectionsMax',
    holds: ({ config, isSet }) =>
      !isSet('accept.userConnectionsMax') || config.accept.userConnectionsMax <= config.accept.connectionsMax,
  },
  {
    paths: ['readiness.graceMs', 'readiness.probeMs'],
    sentence: 'graceMs must be above probeMs, or one late probe takes readiness away',
    holds: ({ config }) => config.readiness.graceMs > config.readiness.probeMs,
  },
  {
    paths: ['presence.lingerMs', 'drain.marginMs'],
    sentence: `marginMs must be at least ${DRAIN_REST_MS} above lingerMs: in it a stopping gateway waits for those whose sockets it has closed`,
    // The default alone must not refuse a short margin: then the margin is what binds.
    holds: ({ config, isSet }) =>
      !isSet('presence.lingerMs') ||
      config.presence.lingerMs === 0 ||
      config.presence.lingerMs + DRAIN_REST_MS <= config.drain.marginMs,
  },
  {
    paths: ['listen.port', 'admin.port'],
    sentence: 'the public and the admin port must differ',
    holds: ({ config }) =>
      config.listen.port !== config.admin.port || config.listen.port === 0 || config.listen.host !== config.admin.host,
  },
  {
    paths: ['listen.tls.certFile', 'listen.tls.keyFile'],
    sentence: 'a certificate and its key are set together',
    holds: ({ config: { listen } }) => (listen.tls.certFile === undefined) === (listen.tls.keyFile === undefined),
  },
  {
    paths: ['listen.path', 'local'],
    sentence: 'in local mode `/` and `/echo` have a meaning of their own',
    holds: ({ config }) => !config.local || !['/', '/echo'].includes(config.listen.path),
  },
]

const relations: readonly Relation<GatewayConfig>[] = [...keyRelations, ...natsRelations, ...numberRelations]

/** Every relation that does not hold, the protocol's among its limits included. */
export function brokenBy(given: Given<GatewayConfig>): readonly Broken[] {
  return [...brokenAmong(relations, given), ...brokenRelations(given.config.limits).map(limitsBroken)]
}

function limitsBroken(sentence: string): Broken {
  const named = Object.keys(LIMITS).filter((name) => new RegExp(`\\b${name}\\b`).test(sentence))
  return { paths: named.map((name) => `limits.${name}`), sentence }
}
