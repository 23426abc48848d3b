import { describe, expect, test } from 'vitest'
import { decodeGatherRequest } from '../presence/gather.ts'
import { decodeRollbackClaim, encodeRollbackClaim, ROLLBACK_CLAIM_BYTES_MAX } from './rollback-claim.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const claim = { stream: 'SLUICE_HISTORY_chat', epoch: 'e1', offset: 7, time: 1000 }

describe('a claim of a rollback', () => {
  test('of the longest names fits its bound', () => {
    const longest = { stream: 's'.repeat(255), epoch: 'e'.repeat(64), offset: Number.MAX_SAFE_INTEGER }
    expect(decodeRollbackClaim(bytes(encodeRollbackClaim(longest)))).toEqual(longest)
    expect(decodeRollbackClaim(bytes(encodeRollbackClaim(longest) + ' '.repeat(ROLLBACK_CLAIM_BYTES_MAX)))).toBeNull()
  })

  test('is no request of a router, and no request of a router is a claim', () => {
    expect(decodeGatherRequest(bytes(encodeRollbackClaim(claim)))).toBe('unsupported')
    expect(decodeRollbackClaim(bytes('{"v":1,"verb":"rooms","namespace":"chat","limit":1}'))).toBe('unsupported')
    expect(decodeRollbackClaim(bytes('{"v":1,"verb":"later"}'))).toBe('unsupported')
  })
})
