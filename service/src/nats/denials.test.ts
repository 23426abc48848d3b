import { expect, test } from 'vitest'
import { createDenials } from './denials.ts'

test('each refused publish is told once', () => {
  const denials = createDenials()
  denials.add('a')
  denials.add('a')
  expect([denials.take('b'), denials.take('a'), denials.take('a'), denials.take('a')]).toEqual([
    false,
    true,
    true,
    false,
  ])
})

test('a new connection has refused nothing', () => {
  const denials = createDenials()
  denials.add('a')
  denials.clear()
  expect(denials.take('a')).toBe(false)
})

test('of more than 1024 refused subjects the oldest is forgotten', () => {
  const denials = createDenials()
  for (let at = 0; at <= 1024; at++) denials.add(`s.${at}`)
  expect([denials.take('s.0'), denials.take('s.1'), denials.take('s.1024')]).toEqual([false, true, true])
})
