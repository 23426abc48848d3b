import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticators, type CredentialOptions } from './credentials.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-credentials-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const NONCE = 'a-nonce'

/** What the client would send to a server. */
const sent = (options: CredentialOptions): object =>
  Object.assign({}, ...authenticators(options).map((authenticator) => authenticator(NONCE)))

describe('credentials', () => {
  test('are none where nothing is set', () => {
    expect(authenticators({})).toEqual([])
  })

  test('are a user with a password, of the options or of a file', () => {
    expect(sent({ user: 'me', password: 'pass' })).toEqual({ user: 'me', pass: 'pass' })
    expect(sent({ user: 'me', passwordFile: file('password', 'pass\n') })).toEqual({ user: 'me', pass: 'pass' })
    expect(sent({ user: 'me' })).toEqual({ user: 'me', pass: '' })
  })

  test('are a token, of the options or of a file', () => {
    expect(sent({ token: 'token' })).toEqual({ auth_token: 'token' })
    expect(sent({ token: 'old', tokenFile: file('token', '  token\n') })).toEqual({ auth_token: 'token' })
  })

  test('are a signature of the server’s nonce with an nkey', () => {
    const user = nkeys.createUser()
    const seed = new TextDecoder().decode(user.getSeed())
    const answer = sent({ nkeyFile: file('nkey', `${seed}\n`) }) as { nkey: string; sig: string }
    expect(answer.nkey).toBe(user.getPublicKey())
    const signature = Buffer.from(answer.sig, 'base64url')
    expect(user.verify(Buffer.from(NONCE), signature)).toBe(true)
  })

  test('that a file does not hold are a fault at the start, and the last good ones later', () => {
    for (const content of ['', 'no seed', 'SUAX']) {
      const path = file('malformed', content)
      expect(() => authenticators({ nkeyFile: path })).toThrow()
      expect(() => authenticators({ credsFile: path })).toThrow()
    }
    const user = nkeys.createUser()
    const seed = new TextDecoder().decode(user.getSeed())
    const path = file('rotated', seed)
    const [authenticator] = authenticators({ nkeyFile: path })
    file('rotated', 'half a se')
    expect(authenticator?.(NONCE)).toMatchObject({ nkey: user.getPublicKey() })
    const next = nkeys.createUser()
    file('rotated', new TextDecoder().decode(next.getSeed()))
    expect(authenticator?.(NONCE)).toMatchObject({ nkey: next.getPublicKey() })
  })

  test('are a JWT and a signature of a credentials file', () => {
    const user = nkeys.createUser()
    const seed = new TextDecoder().decode(user.getSeed())
    const creds = file(
      'user.creds',
      `-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    )
    expect(sent({ credsFile: creds })).toMatchObject({ jwt: 'a.b.c', nkey: user.getPublicKey() })
  })
})

describe('a file of credentials', () => {
  test('is read again at each connect', () => {
    const passwordFile = file('rotated', 'one')
    const [authenticator] = authenticators({ user: 'me', passwordFile })
    expect(authenticator?.(NONCE)).toMatchObject({ pass: 'one' })
    file('rotated', 'two')
    expect(authenticator?.(NONCE)).toMatchObject({ pass: 'two' })
  })

  test('that is gone for a while leaves the last value in use', () => {
    const tokenFile = file('swapped', 'one')
    const [authenticator] = authenticators({ tokenFile })
    rmSync(tokenFile)
    expect(authenticator?.(NONCE)).toEqual({ auth_token: 'one' })
    file('swapped', 'two')
    expect(authenticator?.(NONCE)).toEqual({ auth_token: 'two' })
  })

  test.each(['passwordFile', 'tokenFile', 'credsFile', 'nkeyFile'])(
    'that is missing at the start fails it (%s)',
    (option) => {
      expect(() => authenticators({ user: 'me', [option]: join(folder, 'missing') })).toThrow(/ENOENT/)
    },
  )
})
