import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { type AuthOptions, createAuthenticator } from './authenticator.ts'
import { CANDIDATE_KEYS_MAX, JWKS_AGE_MS_MAX } from './jwks.ts'

const NOW_S = 1_700_000_000
const COOLDOWN_MS = 30_000

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** A real endpoint whose answer the test sets. */
async function startEndpoint(keys: JWK[]) {
  const json = (response: ServerResponse) => response.end(JSON.stringify({ keys: endpoint.keys }))
  const server = createServer((_request, response) => {
    endpoint.requests += 1
    endpoint.answer(response)
  })
  const endpoint = {
    url: '',
    keys,
    requests: 0,
    json,
    answer: json as (response: ServerResponse) => void,
    close: () => {
      server.closeAllConnections()
      return new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  closers.push(endpoint.close)
  return endpoint
}

function fail(response: ServerResponse): void {
  response.statusCode = 503
  response.end()
}

/** A key pair with its public half as the endpoint serves it. */
async function makeKey(kid: string | null, alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), ...(kid === null ? {} : { kid }) }
  let tokens = 0
  const sign = (claims: Record<string, unknown> = {}): Promise<string> => {
    tokens += 1
    const header = kid === null ? { alg } : { alg, kid }
    // Each token is another one, so that the cache of tokens answers none of them.
    return new SignJWT({ sub: 'alice', exp: NOW_S + 86_400, n: tokens, ...claims })
      .setProtectedHeader(header)
      .sign(privateKey)
  }
  return { jwk, publicKey, privateKey, sign }
}

function build(url: string, options: Partial<AuthOptions> = {}) {
  const time = { ms: 0 }
  const fetches: string[] = []
  const clock = { now: () => NOW_S * 1000, monotonicMs: () => time.ms }
  const authenticator = createAuthenticator(
    {
      jwksUrl: url,
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      clockToleranceMs: 5000,
      userClaim: 'sub',
      grantsClaim: 'sluice',
      expiryRequired: true,
      grants: {},
      tokenCacheEntriesMax: 100,
      tokenCacheMs: 300_000,
      jwksCooldownMs: COOLDOWN_MS,
      jwksTimeoutMs: 5000,
      ...options,
    },
    { clock, nameBytesMax: 128, onJwksFetch: (result) => fetches.push(result) },
  )
  const ask = async (token: string): Promise<string> => {
    const result = await authenticator.authenticate(token)
    return result.kind === 'ok' ? 'ok' : `${result.reason}: ${result.detail}`
  }
  return { ask, time, fetches }
}

/** Signs and asks at once, `times` over; tells the different answers. */
async function askMany(ask: (token: string) => Promise<string>, sign: () => Promise<string>, times: number) {
  const tokens = await Promise.all(Array.from({ length: times }, () => sign()))
  return [...new Set(await Promise.all(tokens.map(ask)))]
}

describe('tokens of a key set', () => {
  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('sign in with %s', async (alg) => {
    const key = await makeKey('one', alg)
    const endpoint = await startEndpoint([key.jwk])
    const { ask, fetches } = build(endpoint.url)
    expect(await ask(await key.sign())).toBe('ok')
    expect(await ask(await key.sign())).toBe('ok')
    expect(fetches).toEqual(['ok'])
  })

  it('are refused when a public key was taken for a secret, without a fetch', async () => {
    const key = await makeKey('one', 'RS256')
    const endpoint = await startEndpoint([key.jwk])
    const { ask } = build(endpoint.url)
    for (const secret of [await exportSPKI(key.publicKey), JSON.stringify(key.jwk), `${key.jwk.n}`]) {
      const signer = new SignJWT({ sub: 'alice', exp: NOW_S + 60 }).setProtectedHeader({ alg: 'HS256', kid: 'one' })
      expect(await ask(await signer.sign(new TextEncoder().encode(secret)))).toBe(
        'unauthorized: ERR_JOSE_ALG_NOT_ALLOWED',
      )
    }
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    expect(await ask(`${none}.${(await key.sign()).split('.')[1]}.`)).toBe('unauthorized: ERR_JOSE_ALG_NOT_ALLOWED')
    expect(await ask('garbage')).toBe('unauthorized: ERR_JWS_INVALID')
    expect(endpoint.requests).toBe(0)
  })

  it('are refused with another key under a known kid, or an algorithm that the key is not for', async () => {
    const [key, impostor] = [await makeKey('one'), await makeKey('one')]
    const endpoint = await startEndpoint([{ ...key.jwk, alg: 'ES384' }])
    const { ask, time } = build(endpoint.url)
    expect(await ask(await key.sign())).toBe('unauthorized: ERR_JWKS_NO_MATCHING_KEY')
    endpoint.keys = [key.jwk]
    time.ms += COOLDOWN_MS
    expect(await ask(await impostor.sign())).toBe('unauthorized: ERR_JWS_SIGNATURE_VERIFICATION_FAILED')
    expect(await ask(await key.sign())).toBe('ok')
  })

  it('without kid are tried with the keys that fit, up to a bound', async () => {
    const keys = await Promise.all(Array.from({ length: CANDIDATE_KEYS_MAX + 1 }, () => makeKey(null)))
    const endpoint = await startEndpoint(keys.map(({ jwk }) => jwk))
    const { ask } = build(endpoint.url)
    expect(await ask(await keys[0]!.sign())).toBe('ok')
    expect(await ask(await keys[CANDIDATE_KEYS_MAX - 1]!.sign())).toBe('ok')
    expect(await ask(await keys[CANDIDATE_KEYS_MAX]!.sign())).toBe(
      'unauthorized: ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    )
    expect(await ask(await keys[0]!.sign({ exp: NOW_S - 60 }))).toBe('expired: ERR_JWT_EXPIRED')
  })
})

describe('rotation', () => {
  it('finds a new key with one fetch, and lets a withdrawn one go with it', async () => {
    const [old, next] = [await makeKey('old'), await makeKey('next')]
    const endpoint = await startEndpoint([old.jwk])
    const { ask, time, fetches } = build(endpoint.url)
    expect(await ask(await old.sign())).toBe('ok')
    endpoint.keys = [next.jwk]
    time.ms += COOLDOWN_MS
    expect(await askMany(ask, next.sign, 20)).toEqual(['ok'])
    expect(fetches).toEqual(['ok', 'ok'])
    expect(await ask(await old.sign())).toBe('unauthorized: ERR_JWKS_NO_MATCHING_KEY')
    expect(fetches).toEqual(['ok', 'ok'])
  })

  it('lets a withdrawn key go when the keys have come of age, though nobody brings a new one', async () => {
    const old = await makeKey('old')
    const endpoint = await startEndpoint([old.jwk])
    const { ask, time } = build(endpoint.url)
    expect(await ask(await old.sign())).toBe('ok')
    endpoint.keys = []
    time.ms = JWKS_AGE_MS_MAX - 1
    expect(await ask(await old.sign())).toBe('ok')
    time.ms = JWKS_AGE_MS_MAX
    expect(await ask(await old.sign())).toMatch(/^unauthorized/)
    expect(endpoint.requests).toBe(2)
  })

  it('costs one fetch in a cool-down, however many unknown keys peers bring', async () => {
    const [key, unknown] = [await makeKey('one'), await makeKey('unknown')]
    const endpoint = await startEndpoint([key.jwk])
    const { ask, time } = build(endpoint.url)
    expect(await askMany(ask, unknown.sign, 200)).toEqual(['unauthorized: ERR_JWKS_NO_MATCHING_KEY'])
    expect(endpoint.requests).toBe(1)
    for (let cooldown = 1; cooldown <= 3; cooldown++) {
      time.ms += COOLDOWN_MS - 1
      await askMany(ask, unknown.sign, 50)
      expect(endpoint.requests).toBe(cooldown)
      time.ms += 1
      await askMany(ask, unknown.sign, 200)
      expect(endpoint.requests).toBe(cooldown + 1)
    }
    expect(await ask(await key.sign())).toBe('ok')
  })
})

describe('an endpoint that is away', () => {
  it('makes sign-ins unavailable, is asked ever more rarely, and heals', async () => {
    const key = await makeKey('one')
    const endpoint = await startEndpoint([key.jwk])
    endpoint.answer = fail
    const { ask, time, fetches } = build(endpoint.url)
    expect(await askMany(ask, key.sign, 200)).toEqual(['unavailable: keys cannot be reached: status 503'])
    expect(endpoint.requests).toBe(1)
    const askedAt: number[] = []
    for (; time.ms < 120_000; time.ms += 500) {
      const before = endpoint.requests
      expect(await ask(await key.sign())).toMatch(/^unavailable/)
      if (endpoint.requests > before) askedAt.push(time.ms)
    }
    expect(askedAt).toEqual([1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000])
    expect(new Set(fetches)).toEqual(new Set(['failed']))
    endpoint.answer = endpoint.json
    time.ms += COOLDOWN_MS
    expect(await ask(await key.sign())).toBe('ok')
    expect(fetches).toHaveLength(endpoint.requests)
    expect(fetches.at(-1)).toBe('ok')
  })

  it('stops nobody whose key is known, and nobody waits for it; unknown keys are unavailable', async () => {
    const [key, unknown] = [await makeKey('one'), await makeKey('unknown')]
    const endpoint = await startEndpoint([key.jwk])
    const { ask, time, fetches } = build(endpoint.url)
    expect(await ask(await key.sign())).toBe('ok')
    await endpoint.close()
    time.ms = JWKS_AGE_MS_MAX
    expect(await ask(await key.sign())).toBe('ok')
    expect(await ask(await unknown.sign())).toBe('unavailable: keys cannot be reached: ECONNREFUSED')
    expect(fetches).toEqual(['ok', 'failed'])
    time.ms = 10 * JWKS_AGE_MS_MAX
    expect(await askMany(ask, key.sign, 50)).toEqual(['ok'])
    expect(fetches.length).toBeLessThanOrEqual(3)
  })

  it('is not waited for a second time while it hangs', async () => {
    const key = await makeKey('one')
    const endpoint = await startEndpoint([key.jwk])
    const { ask, time, fetches } = build(endpoint.url, { jwksTimeoutMs: 50 })
    expect(await ask(await key.sign())).toBe('ok')
    const held: ServerResponse[] = []
    endpoint.answer = (response) => held.push(response)
    time.ms = JWKS_AGE_MS_MAX
    expect(await ask(await key.sign())).toBe('ok')
    expect(fetches).toEqual(['ok', 'failed'])
    time.ms += COOLDOWN_MS
    expect(await ask(await key.sign())).toBe('ok')
    // The sign-in is through, and the fetch that it started is still under way.
    expect(fetches).toEqual(['ok', 'failed'])
    await expect.poll(() => fetches).toEqual(['ok', 'failed', 'failed'])
  })

  it('is away as well if it hangs, breaks off, or answers anything but a key set, and the log can say which', async () => {
    const key = await makeKey('one')
    const wrong: [(response: ServerResponse) => void, string][] = [
      [() => undefined, 'ERR_JWKS_TIMEOUT'],
      [(response) => response.write('{"keys":['), 'ERR_JWKS_TIMEOUT'],
      [(response) => response.destroy(), 'UND_ERR_SOCKET'],
      [(response) => response.writeHead(404).end('{}'), 'status 404'],
      [(response) => response.end('<html>'), 'ERR_JOSE_GENERIC'],
      [(response) => response.end(''), 'ERR_JOSE_GENERIC'],
      [(response) => response.end('{"keys":{}}'), 'ERR_JWKS_INVALID'],
    ]
    for (const [answer, failure] of wrong) {
      const endpoint = await startEndpoint([key.jwk])
      endpoint.answer = answer
      const { ask } = build(endpoint.url, { jwksTimeoutMs: 200 })
      expect(await ask(await key.sign())).toBe(`unavailable: keys cannot be reached: ${failure}`)
    }
  })
})

it('a set that holds a private key serves no token', async () => {
  const key = await makeKey('one')
  const endpoint = await startEndpoint([{ ...(await exportJWK(key.privateKey)), kid: 'one' }])
  const { ask } = build(endpoint.url)
  expect(await ask(await key.sign())).toBe('unauthorized: ERR_JWKS_INVALID')
})

it('an RSA key too short for its algorithm serves no token, and nothing throws', async () => {
  const pair = await crypto.subtle.generateKey(
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    true,
    ['sign', 'verify'],
  )
  const endpoint = await startEndpoint([{ ...(await exportJWK(pair.publicKey)), kid: 'short' }])
  const { ask } = build(endpoint.url)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'RS256', kid: 'short' })}.${encode({ sub: 'alice', exp: NOW_S + 60 })}`
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', pair.privateKey, Buffer.from(input))
  expect(await ask(`${input}.${Buffer.from(signature).toString('base64url')}`)).toBe('unauthorized: TypeError')
})
