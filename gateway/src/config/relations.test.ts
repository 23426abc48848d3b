import type { Environment } from '@sluice/service/config/config-file'
import { describe, expect, test } from 'vitest'
import { configOf, mistakesOf, OTHER_SECRET, SECRET } from './load-from-tables.ts'

describe('algorithms', () => {
  test('follow from the source of keys unless they are configured', () => {
    const keySet = { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_JWKS_URL: 'https://id.example/keys' }
    expect(configOf({}).auth.algorithms).toEqual(['HS256'])
    expect(configOf(keySet).auth.algorithms).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA'])
    expect(configOf({ ...keySet, SLUICE_AUTH_ALGORITHMS: 'ES384' }).auth.algorithms).toEqual(['ES384'])
  })

  test.each(['none', 'None', 'HS256,none'])('never include %s', (algorithms) => {
    expect(mistakesOf({ SLUICE_AUTH_ALGORITHMS: algorithms })).toEqual([
      expect.stringMatching(/SLUICE_AUTH_ALGORITHMS .* is "[Nn]one"/),
    ])
  })
})

describe('relations', () => {
  const keySet = { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_JWKS_URL: 'https://id.example/keys' }
  const files = { '/f': SECRET }

  test.each<[string, Environment, string]>([
    ['no source of keys', { SLUICE_AUTH_SECRET: '' }, 'exactly one'],
    ['two sources of keys', { SLUICE_AUTH_JWKS_URL: 'https://id.example/keys' }, 'exactly one'],
    ['a secret and its file', { SLUICE_AUTH_SECRET_FILE: '/f' }, 'exactly one'],
    [
      'two previous secrets',
      { SLUICE_AUTH_SECRET_PREVIOUS: OTHER_SECRET, SLUICE_AUTH_SECRET_PREVIOUS_FILE: '/f' },
      'at most one',
    ],
    ['a previous secret alone', { ...keySet, SLUICE_AUTH_SECRET_PREVIOUS: OTHER_SECRET }, 'needs a present one'],
    ['HS256 with a key set', { ...keySet, SLUICE_AUTH_ALGORITHMS: 'RS256,HS256' }, 'cannot be used with a key set'],
    ['RS256 with a secret', { SLUICE_AUTH_ALGORITHMS: 'RS256' }, 'with a shared secret only'],
    ['two identities at NATS', { SLUICE_NATS_TOKEN: 't', SLUICE_NATS_CREDS_FILE: '/f' }, 'who we are'],
    ['a linger longer than the margin', { SLUICE_PRESENCE_LINGER_MS: '5001' }, '5000 above lingerMs'],
    [
      'more unauthenticated sockets than sockets',
      { SLUICE_ACCEPT_CONNECTIONS_MAX: '99', SLUICE_ACCEPT_UNAUTHENTICATED_MAX: '100' },
      'unauthenticatedMax',
    ],
    [
      'more sockets of a user than sockets',
      { SLUICE_ACCEPT_CONNECTIONS_MAX: '9', SLUICE_ACCEPT_USER_CONNECTIONS_MAX: '10' },
      'userConnectionsMax',
    ],
    ['a grace that one probe uses up', { SLUICE_READINESS_GRACE_MS: '5000' }, 'graceMs must be above probeMs'],
    ['one port for two servers', { SLUICE_ADMIN_PORT: '8080' }, 'must differ'],
    ['the path of the local page', { SLUICE_LOCAL: 'true', SLUICE_LISTEN_PATH: '/' }, 'local mode'],
    ['a silence that no ping fits into', { SLUICE_LIMITS_SILENCE_MS: '49999' }, 'twice heartbeatMs'],
    ['a burst below the rate', { SLUICE_LIMITS_PUBLISH_BURST: '49' }, 'publishesPerSecond'],
    ['a payload below a frame', { SLUICE_LIMITS_PAYLOAD_BYTES_MAX: '65535' }, 'frameBytesMax'],
    ['a queue of one message', { SLUICE_LIMITS_QUEUE_BYTES_MAX: '524287' }, 'payloadBytesMax'],
  ])('refuse %s', (_, env, sentence) => {
    expect(mistakesOf(env, files)).toEqual([expect.stringContaining(sentence)])
  })

  test.each<[string, Environment]>([
    ['no source of keys where anonymous users are let in', { SLUICE_AUTH_SECRET: '', SLUICE_AUTH_ANONYMOUS: 'true' }],
    ['a previous secret beside a present one', { SLUICE_AUTH_SECRET_PREVIOUS: OTHER_SECRET }],
    ['few sockets, with the defaults of their shares', { SLUICE_ACCEPT_CONNECTIONS_MAX: '1' }],
    ['two ports that the system chooses', { SLUICE_LISTEN_PORT: '0', SLUICE_ADMIN_PORT: '0' }],
    [
      'one port on two addresses',
      { SLUICE_LISTEN_HOST: '10.0.0.1', SLUICE_ADMIN_HOST: '127.0.0.1', SLUICE_ADMIN_PORT: '8080' },
    ],
    ['a silence of two heartbeats', { SLUICE_LIMITS_SILENCE_MS: '50000' }],
    ['a queue of two messages', { SLUICE_LIMITS_QUEUE_BYTES_MAX: '524288' }],
  ])('accept %s', (_, env) => {
    expect(mistakesOf(env, files)).toEqual([])
  })
})
