import type { Grants } from '@sluice/proto'
import { INFO_BYTES_MAX, PATTERN_CHARS_MAX, PATTERNS_MAX, TOKEN_ID_BYTES_MAX } from '@sluice/proto'
import { describe, expect, it } from 'vitest'
import { type ClaimRules, readClaims, refuseByTime } from './claims.ts'

const NOW_S = 1_700_000_000
const NOW_MS = NOW_S * 1000

const RULES: ClaimRules = {
  userClaim: 'sub',
  grantsClaim: 'sluice',
  expiryRequired: true,
  clockToleranceMs: 5000,
  nameBytesMax: 128,
  grants: {},
}

function read(claims: Record<string, unknown>, rules: Partial<ClaimRules> = {}) {
  return readClaims({ sub: 'alice', exp: NOW_S + 60, ...claims }, { ...RULES, ...rules }, NOW_MS)
}

function principalOf(claims: Record<string, unknown>, rules: Partial<ClaimRules> = {}) {
  const result = read(claims, rules)
  if (result.kind !== 'verified') throw new Error(`refused: ${result.detail}`)
  return result.principal
}

function refusalOf(claims: Record<string, unknown>, rules: Partial<ClaimRules> = {}) {
  const result = read(claims, rules)
  return result.kind === 'refused' ? `${result.reason}: ${result.detail}` : 'verified'
}

describe('the user of a token', () => {
  it('is sub, beside the expiry in milliseconds, jti and iat', () => {
    expect(principalOf({ jti: 'token-1', iat: NOW_S })).toEqual({
      user: 'alice',
      grants: {},
      claims: `{"sub":"alice","exp":${NOW_S + 60},"jti":"token-1","iat":${NOW_S}}`,
      expiresAt: NOW_MS + 60_000,
      tokenId: 'token-1',
      issuedAt: NOW_S,
    })
  })

  it('goes with all claims, in ASCII, for services', () => {
    const claims = { name: 'Änn \u2028 😀\n', list: [1, null], '\u007f': '\ud800' }
    const text = principalOf(claims).claims ?? ''
    expect(text).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(text)).toEqual({ sub: 'alice', exp: NOW_S + 60, ...claims })
    const deep = JSON.parse('['.repeat(3000) + ']'.repeat(3000))
    expect(refusalOf({ deep })).toBe('unauthorized: the claims are nested too deep')
  })

  it('comes from the claim that is configured, also if that is a URL or a number', () => {
    expect(principalOf({ id: 42 }, { userClaim: 'id' }).user).toBe('42')
    expect(principalOf({ id: -7 }, { userClaim: 'id' }).user).toBe('-7')
    expect(principalOf({ 'https://example.com/user': 'bob' }, { userClaim: 'https://example.com/user' }).user).toBe(
      'bob',
    )
  })

  it.each([
    [1.5],
    [2 ** 53],
    [Number.NaN],
    [true],
    [null],
    [['alice']],
    [{ name: 'alice' }],
    [''],
    ['a*b'],
    ['*'],
    ['\ud800'],
  ])('is refused as %j', (sub) => {
    expect(refusalOf({ sub })).toBe('unauthorized: claim sub is no user name')
  })

  it('is refused where the claim is missing, also where every object has a property of that name', () => {
    expect(refusalOf({ sub: undefined })).toBe('unauthorized: claim sub is missing')
    expect(refusalOf({}, { userClaim: 'id' })).toBe('unauthorized: claim id is missing')
    expect(refusalOf({}, { userClaim: 'constructor' })).toBe('unauthorized: claim constructor is missing')
    expect(refusalOf({}, { userClaim: '__proto__' })).toBe('unauthorized: claim __proto__ is missing')
  })

  it('is refused with the prefix of anonymous users', () => {
    expect(refusalOf({ sub: '~gw.1' })).toBe('unauthorized: claim sub begins as an anonymous name does')
    expect(principalOf({ sub: 'a~b' }).user).toBe('a~b')
  })

  it('is bounded in bytes at n−1, n, n+1', () => {
    expect(principalOf({ sub: 'é'.repeat(63) }).user).toHaveLength(63)
    expect(principalOf({ sub: 'é'.repeat(64) }).user).toHaveLength(64)
    expect(refusalOf({ sub: `${'é'.repeat(64)}x` })).toContain('no user name')
  })
})

describe('the times of a token', () => {
  it('hold at the edges of the tolerance', () => {
    expect(read({ exp: NOW_S - 4 }).kind).toBe('verified')
    expect(refusalOf({ exp: NOW_S - 5 })).toContain('expired')
    expect(refusalOf({ exp: NOW_S - 6 })).toContain('expired')
    for (const claim of ['nbf', 'iat']) {
      expect(read({ [claim]: NOW_S + 4 }).kind).toBe('verified')
      expect(read({ [claim]: NOW_S + 5 }).kind).toBe('verified')
      expect(refusalOf({ [claim]: NOW_S + 6 })).toBe(`unauthorized: claim ${claim} is in the future`)
    }
  })

  it('refuse a token before its time as unauthorized, even if it has expired too', () => {
    expect(refuseByTime({ exp: NOW_S - 60, nbf: NOW_S + 60, iat: null }, NOW_MS, 0)?.reason).toBe('unauthorized')
  })

  it('need exp unless configured otherwise', () => {
    const claims = { sub: 'alice' }
    expect(readClaims(claims, RULES, NOW_MS)).toMatchObject({ kind: 'refused', detail: 'claim exp is missing' })
    expect(readClaims(claims, { ...RULES, expiryRequired: false }, NOW_MS)).toMatchObject({
      kind: 'verified',
      principal: { expiresAt: null, issuedAt: null, tokenId: null },
    })
  })

  it('may be fractions, but must be instants that milliseconds can hold', () => {
    expect(principalOf({ exp: NOW_S + 0.5 }).expiresAt).toBe(NOW_MS + 500)
    for (const exp of [Number.POSITIVE_INFINITY, 1e300, 2 ** 53, '1700000060', null]) {
      expect(refusalOf({ exp })).toBe('unauthorized: a time claim is no date')
    }
    expect(refusalOf({ iat: Number.NEGATIVE_INFINITY })).toBe('unauthorized: a time claim is no date')
  })
})

describe('the id of a token', () => {
  it('is a text of bounded length, or a number', () => {
    expect(principalOf({ jti: 'x'.repeat(TOKEN_ID_BYTES_MAX) }).tokenId).toHaveLength(TOKEN_ID_BYTES_MAX)
    expect(principalOf({ jti: 7 }).tokenId).toBe('7')
    for (const jti of ['x'.repeat(TOKEN_ID_BYTES_MAX + 1), '', null, {}, 1.5]) {
      expect(refusalOf({ jti })).toBe('unauthorized: claim jti is no identifier')
    }
  })
})

describe('the grants of a token', () => {
  it('are united with those of everyone signed in, each pattern once', () => {
    const everyone: Grants = { join: ['lobby', 'chat:*'], send: ['*'] }
    const { grants } = principalOf(
      { sluice: { join: ['chat:*', 'team:{user}'], call: ['echo'] } },
      { grants: everyone },
    )
    expect(grants).toEqual({ join: ['lobby', 'chat:*', 'team:{user}'], send: ['*'], call: ['echo'] })
    expect(everyone).toEqual({ join: ['lobby', 'chat:*'], send: ['*'] })
  })

  it('have the say in info and hidden where the token speaks', () => {
    const everyone: Grants = { info: { team: 'all' }, hidden: true }
    expect(principalOf({ sluice: { info: 'mine', hidden: false } }, { grants: everyone }).grants).toEqual({
      info: 'mine',
      hidden: false,
    })
    expect(principalOf({}, { grants: everyone }).grants).toEqual(everyone)
  })

  it('come from the claim that is configured, and unknown fields are ignored', () => {
    const name = 'https://example.com/sluice'
    expect(principalOf({ [name]: { rooms: ['lobby'], later: 1 } }, { grantsClaim: name }).grants).toEqual({
      rooms: ['lobby'],
    })
  })

  it('cannot be changed through the principal that connections share', () => {
    const principal = principalOf({ sluice: { join: ['lobby'] } })
    expect(() => principal.grants.join?.push('*')).toThrow(TypeError)
    expect(() => Object.assign(principal.grants, { hidden: true })).toThrow(TypeError)
    expect(() => Object.assign(principal, { user: 'eve' })).toThrow(TypeError)
  })

  it.each([
    [null, ''],
    ['join', ''],
    [[], ''],
    [{ join: 'lobby' }, ' at join'],
    [{ publish: ['ok', 7] }, ' at publish.1'],
    [{ send: [''] }, ' at send.0'],
    [{ rooms: ['x'.repeat(PATTERN_CHARS_MAX + 1)] }, ' at rooms.0'],
    [{ call: Array.from({ length: PATTERNS_MAX + 1 }, (_, n) => `m${n}`) }, ' at call'],
    [{ hidden: 'yes' }, ' at hidden'],
  ])('that are wrong are refused with the name of the field (%#)', (sluice, where) => {
    expect(refusalOf({ sluice })).toBe(`unauthorized: claim sluice is wrong${where}`)
  })

  it('are bounded together with those of everyone', () => {
    const join = Array.from({ length: PATTERNS_MAX }, (_, n) => `room-${n}`)
    expect(principalOf({ sluice: { join } }, { grants: { join: ['room-0'] } }).grants.join).toHaveLength(PATTERNS_MAX)
    expect(refusalOf({ sluice: { join } }, { grants: { join: ['lobby'] } })).toContain('wrong at join')
  })

  it('carry info of at most 256 bytes of JSON', () => {
    const infoOf = (bytes: number) => 'x'.repeat(bytes - 2)
    expect(principalOf({ sluice: { info: infoOf(INFO_BYTES_MAX - 1) } }).grants.info).toBeDefined()
    expect(principalOf({ sluice: { info: infoOf(INFO_BYTES_MAX) } }).grants.info).toBeDefined()
    expect(refusalOf({ sluice: { info: infoOf(INFO_BYTES_MAX + 1) } })).toBe(
      'unauthorized: claim sluice is wrong at info',
    )
    expect(refusalOf({ sluice: { info: 'é'.repeat(130) } })).toContain('wrong at info')
  })
})
