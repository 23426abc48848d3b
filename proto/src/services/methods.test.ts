import { describe, expect, test } from 'vitest'
import type { UserName } from '../names.ts'
import { createSubjects } from '../subjects.ts'
import { grantsMethod, type Method, parseMethod } from './methods.ts'

const alice = 'alice' as UserName
const method = (name: string): Method => parseMethod(name) as Method

describe('a method', () => {
  test.each(['echo', 'orders.create', 'a.b.c.d', 'a b', 'a>', 'größe.😀', 'x'.repeat(128)])('may be %j', (name) => {
    expect(parseMethod(name)).toBe(name)
    const subject = createSubjects('sluice').call(method(name))
    expect(subject.split('.')).toHaveLength(2 + name.split('.').length)
    expect(subject).toMatch(/^sluice\.call\.[A-Za-z0-9_=.-]+$/)
  })

  test.each(['', '.', 'a.', '.a', 'a..b', '*', 'a.*', 'a*', '\ud800', 'x'.repeat(129), 7, null])('is not %j', (raw) => {
    expect(parseMethod(raw)).toBeNull()
  })
})

describe('a grant of methods', () => {
  test.each<[string[] | undefined, string, boolean]>([
    [undefined, 'echo', false],
    [[], 'echo', false],
    [['*'], 'orders.create', true],
    [['orders.create'], 'orders.create', true],
    [['orders.create'], 'orders.delete', false],
    [['orders'], 'orders.create', false],
    [['orders.*'], 'orders.create', false],
    [['notes.{user}.get'], 'notes.alice.get', true],
    [['notes.{user}.get'], 'notes.bob.get', false],
  ])('%j fits %s: %s', (patterns, name, fits) => {
    expect(grantsMethod(patterns, method(name), alice)).toBe(fits)
  })

  test('for `{user}` reaches no other method by a dot or a wildcard in the user’s name', () => {
    expect(grantsMethod(['notes.{user}'], method('notes.bob.admin'), 'bob.admin' as UserName)).toBe(false)
    expect(grantsMethod(['{user}'], method('orders'), '*' as UserName)).toBe(false)
  })
})
