import { createLiveness, type Instance, type LeaseState, leaseKey } from '@sluice/proto'
import { beforeEach, expect, test } from 'vitest'
import type { Shard } from '../shards/shard.ts'
import { GONE_MS, type LeftBehind, leftBehind, purgeFilter, UNKNOWN_MS } from './left-behind.ts'

let liveness: ReturnType<typeof createLiveness>
let leaselessSince: Map<Instance, number>
let revision: number

beforeEach(() => {
  liveness = createLiveness('written')
  leaselessSince = new Map()
  revision = 0
})

function lease(instance: Instance, state: LeaseState | null, adopts?: Instance): void {
  const value = { name: 'gw', version: '1.0.0', ...(adopts === undefined ? {} : { adopts }) }
  liveness.put(leaseKey('gateway', instance), ++revision, state === null ? null : { ...value, state }, 0)
}

const shard = { scope: 'room', shard: 3, instances: ['a', 'b'] } as unknown as Shard
const left = (nowMs = 0): Instance[] =>
  leftBehind([shard], liveness, leaselessSince, nowMs).map(({ instance }: LeftBehind) => instance)

test('what a dead gateway has left belongs to nobody', () => {
  lease('a', 'up')
  lease('b', 'up')
  expect(left()).toEqual([])
  lease('a', 'dead')
  expect(left()).toEqual(['a'])
})

test('what a gateway has left that ended its lease belongs to nobody, once its own deletions are forgotten', () => {
  lease('a', 'up')
  lease('b', 'draining')
  lease('a', null)
  expect(left(0)).toEqual([])
  expect(left(GONE_MS)).toEqual(['a'])
})

test('what another one adopts is left to it as long as it announces', () => {
  lease('a', 'up')
  lease('b', 'up')
  lease('a', 'dead')
  lease('c', 'announcing', 'a')
  expect(left()).toEqual([])
  lease('c', 'dead')
  expect(left()).toEqual(['a'])
})

test('entries without a lease are left to a lease that may be under way, but not for ever', () => {
  lease('a', 'up')
  expect(left(0)).toEqual([])
  expect(left(UNKNOWN_MS - 1)).toEqual([])
  expect(left(UNKNOWN_MS)).toEqual(['b'])
})

test('a lease that comes after its entries ends that time', () => {
  lease('a', 'up')
  left(0)
  lease('b', 'up')
  left(1)
  expect([...leaselessSince.keys()]).toEqual([])
})

test('a purge names the shard and the instance', () => {
  expect(purgeFilter(shard, 'a')).toBe('room.3.*.*.a.*')
  expect(purgeFilter({ ...shard, scope: 'user', shard: 9 }, 'a')).toBe('user.9.a.*')
})
