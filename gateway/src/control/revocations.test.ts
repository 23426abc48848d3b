import type { UserName } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { createRevocationTable } from './revocations.ts'

const ANN = { kind: 'user', name: 'ann' as UserName } as const
const JTI = { kind: 'token', name: 'jti-1' } as const
const principal = (issuedAt: number | null, tokenId: string | null = null, user = 'ann') => ({
  user: user as UserName,
  tokenId,
  issuedAt,
})

describe('a revocation', () => {
  test('of a user refuses tokens issued before it, and those that do not say when', () => {
    const table = createRevocationTable()
    table.put(ANN, 1, { notBefore: 100, until: 5000 })
    expect([99, 100, 101, null].map((issuedAt) => table.isRevoked(principal(issuedAt), 0))).toEqual([
      true,
      false,
      false,
      true,
    ])
    expect(table.isRevoked(principal(1, null, 'ben'), 0)).toBe(false)
  })

  test('of a token refuses that one alone', () => {
    const table = createRevocationTable()
    table.put(JTI, 1, { notBefore: 100, until: 5000 })
    expect(table.isRevoked(principal(1, 'jti-1'), 0)).toBe(true)
    expect(table.isRevoked(principal(1, 'jti-2'), 0)).toBe(false)
    expect(table.isRevoked(principal(1, 'ann'), 0)).toBe(false)
  })

  test('ends with its time, and is forgotten then', () => {
    const table = createRevocationTable()
    table.put(ANN, 1, { notBefore: 100, until: 5000 })
    expect([4999, 5000].map((nowMs) => table.isRevoked(principal(1), nowMs))).toEqual([true, false])
    table.prune(4999)
    expect(table.size).toBe(1)
    table.prune(5000)
    expect(table.size).toBe(0)
  })

  test('is replaced by a newer state of its key, and not by an older one that comes late', () => {
    const table = createRevocationTable()
    table.put(ANN, 2, { notBefore: 200, until: 5000 })
    table.put(ANN, 1, { notBefore: 100, until: 5000 })
    expect(table.isRevoked(principal(150), 0)).toBe(true)
    table.put(ANN, 3, null)
    table.put(ANN, 2, { notBefore: 200, until: 5000 })
    expect(table.isRevoked(principal(150), 0)).toBe(false)
  })

  test('counts before its copy comes, and never less than before', () => {
    const table = createRevocationTable()
    table.ahead(ANN, { notBefore: 100, until: 5000 })
    expect(table.isRevoked(principal(99), 0)).toBe(true)
    table.ahead(ANN, { notBefore: 50, until: 5000 })
    expect(table.isRevoked(principal(99), 0)).toBe(true)
    table.put(ANN, 7, { notBefore: 200, until: 9000 })
    table.ahead(ANN, { notBefore: 100, until: 5000 })
    expect(table.isRevoked(principal(199), 8000)).toBe(true)
  })
})
