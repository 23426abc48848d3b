import { describe, expect, test } from 'vitest'
import { BODY_TYPES, clientFrameSchemas, parseClientFrame, withoutPayload } from './client-frames.ts'

const told = (raw: unknown) => {
  const parsed = parseClientFrame(raw)
  return parsed.ok ? null : parsed.message
}

describe('the shape of a frame', () => {
  test.each([
    [undefined, 'a frame is one object'],
    [null, 'a frame is one object'],
    [[{ type: 'ping' }], 'a frame is one object'],
    [{}, 'type: a text is needed'],
    [{ type: 'nope' }, 'type: no such frame'],
    [{ type: 'ping', id: 0 }, 'id: an integer from 1 or a text of 1 to 32 characters is needed'],
    [{ type: 'ping', id: 'x'.repeat(33) }, 'id: an integer from 1 or a text of 1 to 32 characters is needed'],
    [{ type: 'ping', id: {} }, 'id: an integer from 1 or a text of 1 to 32 characters is needed'],
    [{ type: 'auth' }, 'token: a text of 1 to 8192 characters is needed'],
    [{ type: 'join' }, 'room or user: exactly one of them is needed'],
    [{ type: 'join', room: 7 }, 'room: a text is needed'],
    [{ type: 'join', room: 'a', presence: 1 }, 'presence: true or false is needed'],
    [{ type: 'join', room: 'a', history: 0 }, 'history: an integer from 1 to 1000 is needed'],
    [{ type: 'join', room: 'a', since: 7 }, 'since: an object with epoch and offset is needed'],
    [
      { type: 'join', room: 'a', since: { epoch: 'e' } },
      'since.offset: an integer from 0 to 9007199254740991 is needed',
    ],
    [{ type: 'publish', room: 'a', event: 'a b' }, 'event: a text of 1 to 64 of A-Z a-z 0-9 _ . - is needed'],
    [{ type: 'send' }, 'user or session: exactly one of them is needed'],
    [{ type: 'history', room: 'a', limit: 1, before: 1, after: 1 }, 'before and after: only one of them'],
  ])('of %j is told: %s [P-4.6]', (raw, message) => {
    expect(told(raw)).toBe(message)
  })

  test('is told without what stood there', () => {
    const secret = 'secret\nvalue'
    const values = [secret, { [secret]: secret }, [secret]]
    for (const type of Object.keys(clientFrameSchemas)) {
      for (const value of values) {
        const raw = {
          type,
          id: value,
          token: value,
          room: value,
          user: value,
          event: value,
          since: value,
          limit: value,
        }
        expect(told(raw) ?? '').not.toContain('secret')
      }
    }
  })

  test('is told with the id where that is good, whatever else is wrong [P-4.6]', () => {
    expect(parseClientFrame({ type: 'join', id: 'a' })).toMatchObject({ id: 'a' })
    expect(parseClientFrame({ type: 'nope', id: 7 })).toMatchObject({ id: 7, reason: 'unknown' })
    expect(parseClientFrame({ id: 7 })).toMatchObject({ id: 7, reason: 'malformed' })
    expect(parseClientFrame({ type: 'join', id: -1 })).toMatchObject({ id: undefined })
  })

  test.each(['constructor', '__proto__', 'hasOwnProperty', 'toString', ''])('has no type %j [P-4.7]', (type) => {
    expect(parseClientFrame({ type })).toMatchObject({ ok: false, reason: 'unknown' })
  })

  test('keeps what it knows and drops the rest [P-14.1]', () => {
    expect(parseClientFrame({ type: 'leave', room: 'a', data: 1, later: {} })).toEqual({
      ok: true,
      frame: { type: 'leave', room: 'a' },
    })
  })
})

test('a frame without a payload passes unless its type carries one [P-8.1]', () => {
  expect(withoutPayload({ type: 'ping' })).toEqual({ ok: true, frame: { type: 'ping' } })
  expect([...BODY_TYPES]).toEqual(['publish', 'send', 'call'])
  expect(withoutPayload({ type: 'publish', room: 'a', id: 7 })).toMatchObject({
    ok: false,
    id: 7,
    message: 'data or bytes: exactly one of them is needed',
  })
})
