import { describe, expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import type { Answer } from '../session/answer.ts'
import { Later } from '../session/lanes.ts'
import { createEchoes } from './echoes.ts'

const message = storedAt(7, 3, { messageId: 'id', excludeSession: 'gw.1' })

function build() {
  const echoes = createEchoes()
  const one = fakeConnection({ number: 1 })
  const answer = new Later<Answer>()
  const told: Answer[] = []
  answer.listen((value) => {
    told.push(value)
    return true
  })
  return { echoes, one, answer, told, expect: (id = 'id') => echoes.expect(id, one, answer, () => 'e') }
}

describe('a publish that its publisher does not hear', () => {
  test('is answered in the place of its message, with that place', () => {
    const built = build()
    expect(built.expect()).toBe(true)
    expect(built.echoes.answer(built.one, message)).toBe(true)
    expect(built.told).toEqual([{ ok: true, fields: { offset: 7, prev: 3, epoch: 'e' } }])
    expect(built.echoes.answer(built.one, message)).toBe(false)
  })

  test('is not answered by another message, to another member, or one without a place', () => {
    const built = build()
    built.expect()
    const { one, echoes } = built
    expect(echoes.answer(one, { ...message, messageId: 'other' })).toBe(false)
    expect(echoes.answer(one, { ...message, messageId: null })).toBe(false)
    expect(echoes.answer(one, { ...message, place: null })).toBe(false)
    expect(echoes.answer(fakeConnection({ number: 2 }), message)).toBe(false)
    expect(built.told).toEqual([])
    expect(echoes.answer(one, message)).toBe(true)
  })

  test('that is not coming is forgotten, and no other one with its id', () => {
    const built = build()
    built.expect()
    expect(built.expect()).toBe(false)
    built.echoes.forget('id', new Later<Answer>())
    built.echoes.forget('id', built.answer)
    expect(built.echoes.answer(built.one, message)).toBe(false)
    expect(built.expect()).toBe(true)
  })

  test('whose answer cannot leave yet was not told in its place', () => {
    const { echoes, one } = build()
    const blocked = new Later<Answer>()
    blocked.listen(() => false)
    echoes.expect('id', one, blocked, () => undefined)
    expect(echoes.answer(one, message)).toBe(false)
  })
})
