import { describe, expect, test } from 'vitest'
import type { UserName } from '../names.ts'
import { createRoomView, type MemberChange } from './room-view.ts'
import type { EntryMember } from './values.ts'

const member = (user: string, connections = 1, info?: unknown): EntryMember => ({
  user: user as UserName,
  connections,
  ...(info === undefined ? {} : { info }),
})

/** A view, and under which instance each counts. */
function room(...counting: string[]) {
  const as = new Map<string, string>(counting.map((instance) => [instance, instance]))
  return { as, view: createRoomView((instance) => as.get(instance) ?? null) }
}

const told = (changes: readonly MemberChange[]) => changes.map(({ kind, member }) => `${kind} ${member.user}`)

describe('a member', () => {
  test('is there once, however many connections on however many gateways', () => {
    const { view } = room('a', 'b')
    expect(told(view.put({ instance: 'a', chunk: 0 }, 1, [member('ann', 2), member('bob')]))).toEqual([
      'joined ann',
      'joined bob',
    ])
    expect(told(view.put({ instance: 'b', chunk: 0 }, 2, [member('ann')]))).toEqual([])
    expect([...view.members]).toEqual([member('ann', 3), member('bob')])
    expect([view.count, view.connections]).toEqual([2, 4])
  })

  test('leaves with the last of its connections (case 6)', () => {
    const { view } = room('a', 'b')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])
    view.put({ instance: 'b', chunk: 0 }, 2, [member('ann')])
    expect(told(view.put({ instance: 'a', chunk: 0 }, 3, null))).toEqual([])
    expect(view.count).toBe(1)
    expect(told(view.put({ instance: 'b', chunk: 0 }, 4, []))).toEqual(['left ann'])
    expect([view.count, view.connections]).toEqual([0, 0])
  })

  test('of all gateways is in the view of each (case 4)', () => {
    const { view } = room('a', 'b')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])
    view.put({ instance: 'b', chunk: 0 }, 2, [member('bob')])
    expect([...view.members].map(({ user }) => user)).toEqual(['ann', 'bob'])
  })

  test('shows the info of the newest entry', () => {
    const { view } = room('a', 'b')
    view.put({ instance: 'b', chunk: 0 }, 5, [member('ann', 1, 'new')])
    view.put({ instance: 'a', chunk: 0 }, 3, [member('ann', 1, 'old')])
    expect(view.get('ann')).toEqual(member('ann', 2, 'new'))
    view.put({ instance: 'a', chunk: 0 }, 6, [member('ann')])
    expect(view.get('ann')).toEqual(member('ann', 2))
  })

  test('may be called as nothing else may', () => {
    const { view } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('__proto__'), member('constructor')])
    expect(view.count).toBe(2)
    expect(told(view.put({ instance: 'a', chunk: 0 }, 2, [member('constructor')]))).toEqual(['left __proto__'])
  })

  test('that moves to another chunk does not leave, if the new one is written first', () => {
    const { view } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])
    expect(told(view.put({ instance: 'a', chunk: 1 }, 2, [member('ann')]))).toEqual([])
    expect(view.get('ann')?.connections).toBe(1)
    expect(told(view.put({ instance: 'a', chunk: 0 }, 3, null))).toEqual([])
  })
})

describe('an entry', () => {
  test('that is older than what is held, or the same again, changes nothing', () => {
    const { view } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 2, [member('ann')])
    expect(view.put({ instance: 'a', chunk: 0 }, 1, [member('bob')])).toEqual([])
    expect(view.put({ instance: 'a', chunk: 0 }, 2, [member('ann')])).toEqual([])
    expect(view.put({ instance: 'a', chunk: 0 }, 1, null)).toEqual([])
    expect([...view.members].map(({ user }) => user)).toEqual(['ann'])
    expect(view.revisionOf({ instance: 'a', chunk: 0 })).toBe(2)
  })

  test('does not come back by an older copy once it was deleted', () => {
    const { view } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 2, null)
    expect(view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])).toEqual([])
    expect([view.count, view.empty]).toEqual([0, false])
    view.prune(1)
    expect(view.empty).toBe(false)
    view.prune(2)
    expect(view.empty).toBe(true)
  })

  test('tells the revision by which an event is recognised, and the order of events apart from it', () => {
    const { view } = room('a', 'b')
    view.put({ instance: 'a', chunk: 0 }, 4, [member('ann')])
    expect(view.put({ instance: 'a', chunk: 0 }, 9, [])).toMatchObject([{ kind: 'left', revision: 9, asOf: 9 }])
    // A follower that has missed this one hears of it late: it may not read as older than the leave.
    expect(view.put({ instance: 'b', chunk: 0 }, 7, [member('ann')])).toEqual([
      { kind: 'joined', member: member('ann'), revision: 7, asOf: 9, instances: ['b'] },
    ])
  })
})

describe('an instance', () => {
  test('whose lease is not known yet does not count until it is', () => {
    const { view, as } = room()
    expect(view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])).toEqual([])
    expect([view.count, [...view.members], view.empty]).toEqual([0, [], false])
    as.set('a', 'a')
    expect(view.recount()).toMatchObject([{ kind: 'joined', revision: 1, instances: ['a'] }])
    expect(view.recount()).toEqual([])
  })

  test('that is dead makes those leave who are nowhere else, and forgetting it then is silent', () => {
    const { view, as } = room('a', 'b')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann'), member('bob')])
    view.put({ instance: 'b', chunk: 0 }, 2, [member('bob')])
    as.delete('a')
    expect(told(view.recount())).toEqual(['left ann'])
    expect(view.forget('a')).toEqual([])
    expect([...view.instances]).toEqual(['b'])
    expect(told(view.forget('b'))).toEqual(['left bob'])
    expect(view.empty).toBe(true)
  })

  test('that was dead for us alone brings its members back', () => {
    const { view, as } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')])
    as.delete('a')
    expect(told(view.recount())).toEqual(['left ann'])
    view.put({ instance: 'a', chunk: 0 }, 2, [member('ann'), member('bob')])
    as.set('a', 'a')
    expect(told(view.recount())).toEqual(['joined ann', 'joined bob'])
  })

  test('is replaced by its successor without a word, and its connections count once', () => {
    const { view, as } = room('a')
    view.put({ instance: 'a', chunk: 0 }, 1, [member('ann', 2), member('bob'), member('eve')])
    as.set('a', 'b').set('b', 'b')
    expect(view.recount()).toEqual([])
    expect(told(view.put({ instance: 'b', chunk: 0 }, 2, [member('ann', 2)]))).toEqual([])
    expect(view.connections).toBe(4)
    expect(told(view.put({ instance: 'b', chunk: 1 }, 3, [member('bob')]))).toEqual([])
    as.delete('a')
    // Eve has left while nobody could tell.
    expect(told(view.recount())).toEqual(['left eve'])
    expect(view.connections).toBe(3)
    // What a router purges of the former instance, late as it may be, touches no one.
    expect(view.put({ instance: 'a', chunk: 0 }, 9, null)).toEqual([])
  })
})

describe('a bucket that has begun anew', () => {
  test('shows nobody leaving who is written again, with any revision', () => {
    const { view } = room('a', 'b')
    view.put({ instance: 'a', chunk: 0 }, 900, [member('ann'), member('bob')])
    view.put({ instance: 'b', chunk: 0 }, 901, [member('cid')])
    view.put({ instance: 'b', chunk: 1 }, 902, null)
    view.startOver()
    expect(view.count).toBe(3)
    expect(told(view.put({ instance: 'a', chunk: 0 }, 1, [member('ann')]))).toEqual(['left bob'])
    expect(told(view.put({ instance: 'b', chunk: 1 }, 2, [member('dan')]))).toEqual(['joined dan'])
    expect(told(view.settle())).toEqual(['left cid'])
    expect(view.settle()).toEqual([])
    expect([...view.members].map(({ user }) => user)).toEqual(['ann', 'dan'])
  })
})
