import { createLiveness, type Instance, type LeaseValue, leaseKey } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { createLeaseBook, type LeaseBook } from './lease-book.ts'
import type { CauseOf } from './shard.ts'

let liveness: ReturnType<typeof createLiveness>
let book: LeaseBook

beforeEach(() => {
  liveness = createLiveness('written')
  book = createLeaseBook(liveness)
})

function put(instance: Instance, revision: number, value: Partial<LeaseValue> | null): CauseOf {
  const whole = value === null ? null : { name: 'gw', version: '1.0.0', state: 'up' as const, ...value }
  return book.note(liveness.put(leaseKey('gateway', instance), revision, whole, 0))
}

describe('the gateway of an instance', () => {
  test('is what its lease says, also after it is dead, and itself where it says nothing', () => {
    put('gw1-2', 1, { gateway: 'gw1' as LeaseValue['gateway'] & string })
    put('gw1-2', 2, { gateway: 'gw1' as LeaseValue['gateway'] & string, state: 'dead' })
    put('gw2', 3, {})
    expect(book.gatewayOf('gw1-2')).toBe('gw1')
    expect(book.gatewayOf('gw2')).toBe('gw2')
    expect(book.gatewayOf('never')).toBe('never')
  })
})

describe('what has made entries count no longer', () => {
  test('is the lease that says dead, with its revision', () => {
    put('a', 1, {})
    expect(put('a', 7, { state: 'dead' })(['a'], 100)).toEqual({ kind: 'lease', instance: 'a', revision: 7 })
  })

  test('is the lease that was ended, with the revision of the entries, which nobody writes again', () => {
    put('a', 1, {})
    expect(put('a', 7, null)(['a', 'b'], 100)).toEqual({ kind: 'lease', instance: 'a', revision: 100 })
  })

  test('is another one each time that an instance was adopted', () => {
    put('a', 1, {})
    put('a', 2, { state: 'dead' })
    const first = put('b', 3, { state: 'announcing', adopts: 'a' })(['a'], 100)
    const ended = put('b', 4, { state: 'dead', adopts: 'a' })(['a'], 100)
    const second = put('c', 5, { state: 'announcing', adopts: 'a' })(['a'], 100)
    expect([first, ended, second]).toEqual([
      { kind: 'lease', instance: 'b', revision: 100 },
      { kind: 'lease', instance: 'b', revision: 4 },
      { kind: 'lease', instance: 'c', revision: 100 },
    ])
  })
})
