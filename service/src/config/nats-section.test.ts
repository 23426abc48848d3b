import { describe, expect, test } from 'vitest'
import type { Environment } from './config-file.ts'
import { mistakesOf } from './sample-config.ts'

describe('the address of NATS', () => {
  test.each(['nats://a:4222', 'tls://a:4222', 'a', 'a:4222', '[::1]:4222', 'nats://a,nats://b'])('may be %s', (url) => {
    expect(mistakesOf({ SLUICE_NATS_URL: url })).toEqual([])
  })

  test.each(['http://a:4222', 'nats://', 'nats://a:99999', 'nats://a:4222/path', 'nats://u:p@a', 'a b'])(
    'cannot be %s',
    (url) => {
      expect(mistakesOf({ SLUICE_NATS_URL: url })).toHaveLength(1)
    },
  )
})

describe('who we are at NATS', () => {
  const files = { '/f': 'seed' }

  test.each<[string, Environment, string]>([
    ['a user without a password', { SLUICE_NATS_USER: 'u' }, 'exactly one of password'],
    ['a password without a user', { SLUICE_NATS_PASSWORD: 'p' }, 'exactly one of password'],
    [
      'two passwords',
      { SLUICE_NATS_USER: 'u', SLUICE_NATS_PASSWORD: 'p', SLUICE_NATS_PASSWORD_FILE: '/f' },
      'exactly one of password',
    ],
    ['two identities', { SLUICE_NATS_TOKEN: 't', SLUICE_NATS_CREDS_FILE: '/f' }, 'who we are'],
    ['a certificate without a key', { SLUICE_NATS_TLS_CERT_FILE: '/f' }, 'set together'],
    ['a key without a certificate', { SLUICE_NATS_TLS_KEY_FILE: '/f' }, 'set together'],
  ])('cannot be %s', (_, env, sentence) => {
    expect(mistakesOf(env, files)).toEqual([expect.stringContaining(sentence)])
  })

  test.each<[string, Environment]>([
    ['nobody', {}],
    ['a user with a password', { SLUICE_NATS_USER: 'u', SLUICE_NATS_PASSWORD: 'p' }],
    ['a user with a password in a file', { SLUICE_NATS_USER: 'u', SLUICE_NATS_PASSWORD_FILE: '/f' }],
    ['a certificate with its key', { SLUICE_NATS_TLS_CERT_FILE: '/f', SLUICE_NATS_TLS_KEY_FILE: '/f' }],
    ['a seed', { SLUICE_NATS_NKEY_FILE: '/f' }],
  ])('may be %s', (_, env) => {
    expect(mistakesOf(env, files)).toEqual([])
  })
})
