import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { decodeJwt, jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { LOCAL_SECRET } from '../../gateway/src/config/local-secret.ts'
import { signToken } from './sign-token.ts'

const secret = new TextEncoder().encode(LOCAL_SECRET)

function run(...argv: string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'token.ts'), ...argv], {
    encoding: 'utf8',
  })
  return { code: status, stdout, stderr }
}

test('the command prints a token and nothing else', async () => {
  const { code, stdout, stderr } = run('alice', '--ttl=2h', '--join=chat:*')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { payload, protectedHeader } = await jwtVerify(stdout.trim(), secret)
  expect(protectedHeader.alg).toBe('HS256')
  expect(payload).toMatchObject({ sub: 'alice', sluice: { join: ['chat:*'] } })
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(7200)
  expect(stdout).toMatch(/^[\w.-]+\n$/)
})

test('a mistake is told on the error stream with exit code 2', () => {
  const { code, stdout, stderr } = run('alice', '--ttl=soon')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('soon')
})

test('--help is no mistake', () => {
  const { code, stdout } = run('--help')
  expect(code).toBe(0)
  expect(stdout).toContain('--ttl')
})

test('a negative ttl makes a token that has expired', async () => {
  const token = await signToken({ user: 'alice', ttlSeconds: -60 })
  await expect(jwtVerify(token, secret)).rejects.toThrow('exp')
})

test('another claim may name the user, and tokens differ', async () => {
  const claims = { user: 'alice', ttlSeconds: 60, userClaim: 'id' }
  const first = decodeJwt(await signToken(claims))
  const second = decodeJwt(await signToken(claims))
  expect(first).toMatchObject({ id: 'alice' })
  expect(first).not.toHaveProperty('sub')
  expect(first).not.toHaveProperty('sluice')
  expect(first.jti).not.toBe(second.jti)
})
