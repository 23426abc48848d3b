import { describe, expect, test } from 'vitest'
import { PresenceView } from './presence-view.ts'

const ann = { user: 'ann', connections: 2 }
const ben = { user: 'ben', info: { name: 'Ben' }, connections: 1 }

function view(...members: object[]): PresenceView {
  const made = new PresenceView()
  made.replace({ type: 'members', members, count: members.length })
  return made
}

describe('a view', () => {
  test('is what `members` lists, whatever was held before', () => {
    const held = view(ann)
    expect(held.replace({ members: [ben], count: 1 })).toBe(true)
    expect(held.members).toEqual([ben])
    expect(held.count).toBe(1)
  })

  test('is patched by who comes and who leaves', () => {
    const held = view(ann)
    expect(held.patch('joined', { member: ben })).toEqual(ben)
    expect(held.members).toEqual([ann, ben])
    expect(held.patch('left', { member: ann })).toEqual(ann)
    expect(held.members).toEqual([ben])
    expect(held.count).toBe(1)
  })

  test('changes nothing for who is there already, or is not', () => {
    const held = view(ann)
    expect(held.patch('joined', { member: { ...ann, connections: 3 } })).toBeNull()
    expect(held.patch('left', { member: ben })).toBeNull()
    expect(held.count).toBe(1)
  })

  test('of a large room counts more than it lists', () => {
    const held = view(ann)
    held.replace({ members: [ann], count: 5000 })
    expect([held.members.length, held.count]).toEqual([1, 5000])
    expect(held.patch('left', { member: ben })).toEqual(ben)
    expect(held.count).toBe(4999)
  })

  test('leaves out what it cannot read, and is not replaced by a frame without members', () => {
    const held = view(ann)
    expect(held.replace({ type: 'ok' })).toBe(false)
    expect(held.patch('joined', { member: 'ben' })).toBeNull()
    expect(held.replace({ members: [ben, null, { user: 7 }, 'x'] })).toBe(true)
    expect(held.members).toEqual([ben])
  })

  test('gives the same list until it changes', () => {
    const held = view(ann)
    expect(held.members).toBe(held.members)
  })
})
