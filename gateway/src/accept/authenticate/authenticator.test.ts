import { TOKEN_BYTES_MAX } from '@sluice/proto'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type AuthOptions, createAuthenticator } from './authenticator.ts'

const SECRET = 'a-secret-for-tests-with-enough-bytes'
const OTHER_SECRET = 'another-secret-for-tests-long-enough'
const NOW_S = 1_700_000_000

const OPTIONS: AuthOptions = {
  secret: SECRET,
  algorithms: ['HS256'],
  clockToleranceMs: 5000,
  userClaim: 'sub',
  grantsClaim: 'sluice',
  expiryRequired: true,
  grants: {},
  tokenCacheEntriesMax: 100,
  tokenCacheMs: 300_000,
  jwksCooldownMs: 30_000,
  jwksTimeoutMs: 5000,
}

/** An authenticator with a clock that the test turns; `wallMs` and `monotonicMs` are added to a fixed start. */
function build(options: Partial<AuthOptions> = {}) {
  const time = { wallMs: 0, monotonicMs: 0 }
  const clock = { now: () => NOW_S * 1000 + time.wallMs, monotonicMs: () => time.monotonicMs }
  const authenticator = createAuthenticator({ ...OPTIONS, ...options }, { clock, nameBytesMax: 128 })
  return { authenticator, time }
}

function sign(claims: Record<string, unknown>, secret = SECRET, alg = 'HS256'): Promise<string> {
  return new SignJWT({ sub: 'alice', exp: NOW_S + 60, ...claims })
    .setProtectedHeader({ alg })
    .sign(new TextEncoder().encode(secret))
}

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

async function ask(token: string, options: Partial<AuthOptions> = {}): Promise<string> {
  const result = await build(options).authenticator.authenticate(token)
  return result.kind === 'ok' ? `ok ${result.principal.user}` : `${result.reason}: ${result.detail}`
}

describe('a token of a shared secret', () => {
  it('signs in its user with its grants', async () => {
    const token = await sign({ sluice: { join: ['chat:*'] }, jti: 'one' })
    const { authenticator } = build({ grants: { send: ['*'] } })
    expect(await authenticator.authenticate(token)).toEqual({
      kind: 'ok',
      principal: {
        user: 'alice',
        grants: { join: ['chat:*'], send: ['*'] },
        claims: expect.stringContaining('"sub":"alice"'),
        expiresAt: (NOW_S + 60) * 1000,
        tokenId: 'one',
        issuedAt: null,
      },
    })
  })

  it('is accepted with the current and the previous secret, and no other', async () => {
    const options = { secret: OTHER_SECRET, secretPrevious: SECRET }
    expect(await ask(await sign({}), options)).toBe('ok alice')
    expect(await ask(await sign({}, OTHER_SECRET), options)).toBe('ok alice')
    expect(await ask(await sign({}, 'x'.repeat(40)), options)).toBe(
      'unauthorized: ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    )
    expect(await ask(await sign({ exp: NOW_S - 60 }), options)).toContain('expired')
  })

  it('is refused with an algorithm that is not on the allow-list, `none` among them', async () => {
    expect(await ask(await sign({}, SECRET.repeat(2), 'HS512'), { secret: SECRET.repeat(2) })).toBe(
      'unauthorized: ERR_JOSE_ALG_NOT_ALLOWED',
    )
    expect(
      await ask(await sign({}, SECRET.repeat(2), 'HS512'), { secret: SECRET.repeat(2), algorithms: ['HS512'] }),
    ).toBe('ok alice')
    const claims = encode({ sub: 'alice', exp: NOW_S + 60 })
    for (const alg of ['none', 'None', 'NONE', 'RS256', '__proto__', '', 7, undefined]) {
      expect(await ask(`${encode({ alg })}.${claims}.`)).toMatch(/^unauthorized/)
    }
  })

  it('must have the issuer and one of the audiences that are configured', async () => {
    const options = { issuer: 'https://idp.example', audience: ['chat', 'push'] }
    const good = { iss: 'https://idp.example', aud: ['web', 'push'] }
    expect(await ask(await sign(good), options)).toBe('ok alice')
    expect(await ask(await sign({ ...good, aud: 'chat' }), options)).toBe('ok alice')
    expect(await ask(await sign({ ...good, aud: 'web' }), options)).toBe(
      'unauthorized: ERR_JWT_CLAIM_VALIDATION_FAILED aud',
    )
    expect(await ask(await sign({ ...good, aud: undefined }), options)).toBe(
      'unauthorized: ERR_JWT_CLAIM_VALIDATION_FAILED aud',
    )
    expect(await ask(await sign({ ...good, iss: 'https://evil.example' }), options)).toBe(
      'unauthorized: ERR_JWT_CLAIM_VALIDATION_FAILED iss',
    )
    expect(await ask(await sign({ ...good, iss: undefined }), options)).toBe(
      'unauthorized: ERR_JWT_CLAIM_VALIDATION_FAILED iss',
    )
    expect(await ask(await sign({ iss: 'anyone', aud: 'any' }), { audience: [] })).toBe('ok alice')
  })

  it('is expired, or not yet good, only beyond the tolerance', async () => {
    expect(await ask(await sign({ exp: NOW_S - 4 }))).toBe('ok alice')
    expect(await ask(await sign({ exp: NOW_S - 5 }))).toMatch(/^expired/)
    expect(await ask(await sign({ exp: NOW_S - 6 }))).toMatch(/^expired/)
    for (const claim of ['nbf', 'iat']) {
      expect(await ask(await sign({ [claim]: NOW_S + 5 }))).toBe('ok alice')
      expect(await ask(await sign({ [claim]: NOW_S + 6 }))).toMatch(/^unauthorized/)
    }
  })

  it('is unauthorized, not expired, if it is old and its signature is wrong', async () => {
    expect(await ask(await sign({ exp: NOW_S - 60 }, OTHER_SECRET))).toMatch(/^unauthorized/)
  })

  it('may name its user in another claim', async () => {
    expect(await ask(await sign({ sub: undefined, id: 7 }), { userClaim: 'id' })).toBe('ok 7')
    expect(await ask(await sign({ sub: '*' }))).toBe('unauthorized: claim sub is no user name')
    expect(await ask(await sign({ sub: '~gw.1' }))).toMatch(/^unauthorized: claim sub/)
  })

  it('is refused with any one character changed', async () => {
    const token = await sign({})
    // The last character of a base64url part may hold spare bits, so a changed one can mean the same bytes.
    const spare = new Set(token.split('.').map((_, part, parts) => parts.slice(0, part + 1).join('.').length - 1))
    const { authenticator } = build()
    for (let at = 0; at < token.length; at++) {
      if (spare.has(at)) continue
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      expect(await authenticator.authenticate(changed)).toMatchObject({ kind: 'refused', reason: 'unauthorized' })
    }
  })
})

describe('what is no token', () => {
  it('is refused unread when it is too long, and at the bound is read', async () => {
    expect(await ask('x'.repeat(TOKEN_BYTES_MAX))).toBe('unauthorized: ERR_JWS_INVALID')
    expect(await ask('x'.repeat(TOKEN_BYTES_MAX + 1))).toBe('unauthorized: the token is too long')
    expect(await ask('x'.repeat(10_000_000))).toBe('unauthorized: the token is too long')
  })

  it('is unauthorized whatever it is', async () => {
    const { authenticator } = build()
    const part = fc.oneof(fc.string({ unit: 'binary' }), fc.json().map(encode), fc.base64String())
    const token = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(part, { maxLength: 6 }).map((parts) => parts.join('.')),
      fc
        .tuple(fc.constantFrom('HS256', 'none', 'RS256'), fc.json(), part)
        .map(([alg, claims, end]) => `${encode({ alg })}.${encode(claims)}.${end}`),
    )
    await fc.assert(
      fc.asyncProperty(token, async (raw) => {
        expect(await authenticator.authenticate(raw)).toMatchObject({ kind: 'refused', reason: 'unauthorized' })
      }),
      { numRuns: 500 },
    )
  })

  it('never makes the detail quote it', async () => {
    const raw = `${encode('{"alg":"HS256", secret-part')}.secret-part.secret-part`
    for (const token of [
      raw,
      'secret-part',
      await sign({ sub: 'secret-part*' }),
      await sign({ sluice: { 'secret-part': 1, join: ['secret-part', 1] } }),
    ]) {
      expect(await ask(token)).toMatch(/^unauthorized/)
      expect(await ask(token)).not.toContain('secret-part')
    }
  })

  it('is unauthorized when signed claims are no object, or as deep as a token can be', async () => {
    const key = await crypto.subtle.importKey('raw', Buffer.from(SECRET), { name: 'HMAC', hash: 'SHA-256' }, false, [
      'sign',
    ])
    const signRaw = async (claims: string) => {
      const input = `${encode({ alg: 'HS256' })}.${encode(claims)}`
      return `${input}.${Buffer.from(await crypto.subtle.sign('HMAC', key, Buffer.from(input))).toString('base64url')}`
    }
    for (const claims of [
      '[]',
      'null',
      '7',
      '"alice"',
      '{',
      '',
      '{"sub":"a","exp":1e999}',
      '{"sub":"a","exp":"soon"}',
    ]) {
      expect(await ask(await signRaw(claims))).toMatch(/^unauthorized/)
    }
    const deep = '['.repeat(2900) + ']'.repeat(2900)
    expect(await ask(await signRaw(`{"sub":"a","exp":${NOW_S + 60},"sluice":{"info":${deep}}}`))).toBe(
      'unauthorized: claim sluice is wrong at info',
    )
  })
})

describe('a token that was verified before', () => {
  it('is not verified again while it is kept', async () => {
    const token = await sign({ exp: NOW_S + 86_400 })
    const { authenticator, time } = build()
    const first = await authenticator.authenticate(token)
    time.monotonicMs = 299_999
    const second = await authenticator.authenticate(token)
    time.monotonicMs = 300_000
    const third = await authenticator.authenticate(token)
    if (first.kind !== 'ok' || second.kind !== 'ok' || third.kind !== 'ok') throw new Error('refused')
    expect(second.principal).toBe(first.principal)
    expect(third.principal).toEqual(first.principal)
    expect(third.principal).not.toBe(first.principal)
  })

  it('expires all the same, also when the wall clock is set forward', async () => {
    const token = await sign({})
    const { authenticator, time } = build()
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'ok' })
    time.wallMs = 64_999
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'ok' })
    time.wallMs = 65_000
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'refused', reason: 'expired' })
    expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'refused', reason: 'expired' })
  })

  it('is refused before nbf and iat when the wall clock is set back', async () => {
    for (const claim of ['nbf', 'iat']) {
      const token = await sign({ [claim]: NOW_S })
      const { authenticator, time } = build()
      expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'ok' })
      time.wallMs = -5000
      expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'ok' })
      time.wallMs = -5001
      expect(await authenticator.authenticate(token)).toMatchObject({ kind: 'refused', reason: 'unauthorized' })
    }
  })

  it('is verified once for all who bring it at the same time', async () => {
    const token = await sign({})
    const { authenticator } = build({ tokenCacheEntriesMax: 0 })
    const results = await Promise.all(Array.from({ length: 50 }, () => authenticator.authenticate(token)))
    const principals = new Set(results.map((result) => (result.kind === 'ok' ? result.principal : null)))
    expect(principals.size).toBe(1)
    expect(principals.has(null)).toBe(false)
  })
})

describe('the options', () => {
  it('refuse every token where no keys are configured', async () => {
    expect(await ask(await sign({}), { secret: undefined })).toBe('unauthorized: no keys are configured')
  })

  it('must have grants for everyone that fit their bounds', () => {
    expect(() => build({ grants: { info: 'x'.repeat(300) } })).toThrow('auth.grants has an info of more than 256 bytes')
  })
})
