import type { UserName } from '@sluice/proto'
import { describe, expect, it } from 'vitest'
import type { VerifiedToken } from './claims.ts'
import type { AuthResult } from './principal.ts'
import { TokenCache } from './token-cache.ts'

function tokenOf(user: string): VerifiedToken {
  const principal = { user: user as UserName, grants: {}, claims: '{}', expiresAt: null, tokenId: null, issuedAt: null }
  return { kind: 'verified', principal, times: { exp: null, nbf: null, iat: null } }
}

describe('the token cache', () => {
  it('finds a token until its time is over, and not at it', () => {
    const cache = new TokenCache({ entriesMax: 10, keepMsMax: 1000 })
    cache.keep('a', tokenOf('alice'), 5000, Number.POSITIVE_INFINITY)
    expect(cache.find('a', 5999)?.principal.user).toBe('alice')
    expect(cache.find('a', 6000)).toBeNull()
    expect(cache.size).toBe(0)
  })

  it('keeps a token no longer than the token lives, and an expired one not at all', () => {
    const cache = new TokenCache({ entriesMax: 10, keepMsMax: 1000 })
    cache.keep('a', tokenOf('alice'), 0, 10)
    expect(cache.find('a', 9)).not.toBeNull()
    expect(cache.find('a', 10)).toBeNull()
    cache.keep('b', tokenOf('bob'), 0, 0)
    expect(cache.size).toBe(0)
  })

  it('lets the token go that was not asked for longest', () => {
    const cache = new TokenCache({ entriesMax: 2, keepMsMax: 1000 })
    cache.keep('a', tokenOf('alice'), 0, 1000)
    cache.keep('b', tokenOf('bob'), 0, 1000)
    cache.find('a', 1)
    cache.keep('c', tokenOf('carol'), 2, 1000)
    expect(cache.find('b', 3)).toBeNull()
    expect(cache.find('a', 3)).not.toBeNull()
    expect(cache.find('c', 3)).not.toBeNull()
  })

  it('never holds more than its bound, and nothing with a bound of 0', () => {
    const cache = new TokenCache({ entriesMax: 3, keepMsMax: 1000 })
    for (let n = 0; n < 100; n++) cache.keep(`digest-${n % 7}`, tokenOf('alice'), n, 1000)
    expect(cache.size).toBe(3)
    const none = new TokenCache({ entriesMax: 0, keepMsMax: 1000 })
    none.keep('a', tokenOf('alice'), 0, 1000)
    expect(none.size).toBe(0)
  })

  it('runs one verification for all who ask for the same token at once, and a new one afterwards', async () => {
    const cache = new TokenCache({ entriesMax: 10, keepMsMax: 1000 })
    const { promise, resolve } = Promise.withResolvers<AuthResult>()
    let runs = 0
    const verify = () => {
      runs += 1
      return promise
    }
    const asked = [cache.share('a', verify), cache.share('a', verify), cache.share('b', verify)]
    expect(runs).toBe(2)
    const refused: AuthResult = { kind: 'refused', reason: 'unauthorized', detail: 'test' }
    resolve(refused)
    expect(await Promise.all(asked)).toEqual([refused, refused, refused])
    await cache.share('a', verify)
    expect(runs).toBe(3)
  })

  it('forgets a verification that failed by our own fault, and tells all who waited', async () => {
    const cache = new TokenCache({ entriesMax: 10, keepMsMax: 1000 })
    const fault = () => Promise.reject(new Error('fault'))
    const asked = [cache.share('a', fault), cache.share('a', fault)]
    const settled = await Promise.allSettled(asked)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await expect(
      cache.share('a', () => Promise.resolve({ kind: 'ok', principal: tokenOf('alice').principal })),
    ).resolves.toMatchObject({
      kind: 'ok',
    })
  })
})
