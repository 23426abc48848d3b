import { describe, expect, test } from 'vitest'
import { EVENT_PATTERN } from './headers.ts'

describe("an event's name [P-9.3]", () => {
  test.each(['a', 'message.created', 'A-Z_0.9', 'x'.repeat(63), 'x'.repeat(64)])('may be %j', (event) => {
    expect(EVENT_PATTERN.test(event)).toBe(true)
  })

  test.each(['', 'x'.repeat(65), 'a b', 'a\r\nNats-Msg-Id: 1', 'a\n', 'a:b', 'é', 'a"b', '\0'])(
    'may not be %j, since it becomes a header and part of a frame as it is',
    (event) => {
      expect(EVENT_PATTERN.test(event)).toBe(false)
    },
  )
})
