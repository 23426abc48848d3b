import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createKeySource, type KeyOptions } from './keys.ts'

const SECRET = 'a-secret-for-tests-with-enough-bytes'
const OTHER_SECRET = 'another-secret-for-tests-long-enough'
const jwksUrl = 'https://idp.example/keys'

function build(options: Partial<KeyOptions> & Pick<KeyOptions, 'algorithms'>) {
  const clock = { now: () => 0, monotonicMs: () => 0 }
  return createKeySource({ jwksCooldownMs: 30_000, jwksTimeoutMs: 5000, ...options }, { clock })
}

function sign(secret: string): Promise<string> {
  return new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))
}

describe('the keys of a configuration', () => {
  it('are a shared secret with HMAC', () => {
    expect(build({ secret: SECRET, algorithms: ['HS256', 'HS512'] })?.algorithms).toEqual(['HS256', 'HS512'])
  })

  it('are the present and the previous secret', async () => {
    const keys = build({ secret: SECRET, secretPrevious: OTHER_SECRET, algorithms: ['HS256'] })
    expect(await keys?.verify(await sign(SECRET), {})).toEqual({ sub: 'alice' })
    expect(await keys?.verify(await sign(OTHER_SECRET), {})).toEqual({ sub: 'alice' })
  })

  it('are a key set with public-key algorithms', () => {
    expect(build({ jwksUrl, algorithms: ['RS256', 'EdDSA'] })?.algorithms).toEqual(['RS256', 'EdDSA'])
  })

  it('may be none at all', () => {
    expect(build({ algorithms: ['HS256'] })).toBeNull()
  })

  it.each<[Partial<KeyOptions> & Pick<KeyOptions, 'algorithms'>, string]>([
    [{ jwksUrl, algorithms: ['HS256'] }, 'HS256 cannot be used'],
    [{ jwksUrl, algorithms: ['RS256', 'HS512'] }, 'HS512 cannot be used'],
    [{ jwksUrl, algorithms: ['none'] }, 'none cannot be used'],
    [{ secret: SECRET, algorithms: ['HS256', 'none'] }, 'none cannot be used'],
    [{ secret: SECRET, algorithms: ['RS256'] }, 'RS256 cannot be used'],
    [{ secret: SECRET, algorithms: [] }, 'auth.algorithms is empty'],
    [{ secret: SECRET, jwksUrl, algorithms: ['RS256'] }, 'exclude each other'],
  ])('never go with algorithms that are not theirs, nor with each other (%#)', (options, message) => {
    expect(() => build(options)).toThrow(message)
  })
})
