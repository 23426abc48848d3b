import { userShard } from '@sluice/proto'
import { beforeEach, describe, expect, test } from 'vitest'
import { userKey, userOf, userValue } from '../../../test/harness/presence-values.ts'
import { createUserShard, type UserShard, type UserStep } from './user-shard.ts'

const counting = new Set<string>()
let steps: UserStep[]
let skipped: string[]
let shard: UserShard

const told = (): string[] =>
  steps.flatMap(({ changes }) => changes.map(({ kind, session }) => `${kind} ${session.session}`))

beforeEach(() => {
  counting.clear()
  counting.add('a')
  steps = []
  skipped = []
  shard = createUserShard({
    shard: userShard(userOf('ann')),
    countsAs: (instance) => (counting.has(instance) ? instance : null),
    onStep: (step) => steps.push(step),
    onSkipped: (why) => skipped.push(why),
  })
})

describe('users of a shard', () => {
  test('come and go with their connections', () => {
    shard.put(userKey('ann', 'a'), userValue('ann', 'a.1', 'a.2'), 1)
    shard.put(userKey('ann', 'a'), userValue('ann', 'a.2'), 2)
    expect(told()).toEqual(['connected a.1', 'connected a.2', 'disconnected a.1'])
    expect(shard.view.connections).toBe(1)
    expect(shard.revision).toBe(2)
  })

  test('go when their instance counts no longer', () => {
    const cause = () => ({ kind: 'lease', instance: 'a', revision: 9 }) as const
    shard.put(userKey('ann', 'a'), userValue('ann', 'a.1'), 1)
    counting.clear()
    shard.recount(['b'], cause)
    expect(told()).toEqual(['connected a.1'])
    shard.recount(['a'], cause)
    expect(told()).toEqual(['connected a.1', 'disconnected a.1'])
    expect(steps[1]?.cause).toBe(cause)
  })

  test('are unknown to a value of a later release', () => {
    shard.put(userKey('ann', 'a'), new TextEncoder().encode('{"v":9}'), 1)
    shard.put('user.1', userValue('ann', 'a.1'), 2)
    expect(skipped).toEqual(['newer', 'malformed'])
  })
})
