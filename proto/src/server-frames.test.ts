import { describe, expect, test } from 'vitest'
import { parseServerFrame, serverFrameSchemas } from './server-frames.ts'

describe("a gateway's frame", () => {
  test.each([undefined, null, 7, 'pong', [], {}, { type: 7 }, { type: 'later' }, { type: '__proto__' }])(
    'is ignored if it is %j [P-14.1]',
    (raw) => {
      expect(parseServerFrame(raw)).toBeNull()
    },
  )

  test('is ignored if one of its fields is not what it should be', () => {
    expect(parseServerFrame({ type: 'ok', id: 0 })).toBeNull()
    expect(parseServerFrame({ type: 'gap', room: 'a', reason: 'r', epoch: 'e', offset: -1 })).toBeNull()
  })

  test('loses fields of a later gateway, and nothing else', () => {
    expect(parseServerFrame({ type: 'message', room: 'a', data: null, later: 1 })).toEqual({
      type: 'message',
      room: 'a',
      data: null,
    })
  })

  test('may carry an error code, a feature or a limit that is not known', () => {
    expect(parseServerFrame({ type: 'error', code: 'later', message: '' })).toEqual({
      type: 'error',
      code: 'later',
      message: '',
    })
    const welcome = {
      type: 'welcome',
      version: 1,
      session: 'gw.1',
      user: 'a',
      gateway: 'gw',
      time: 0,
      heartbeatMs: 1,
      limits: { laterMax: 7 },
      features: ['later'],
    }
    expect(parseServerFrame(welcome)).toEqual(welcome)
  })

  test('has the type that its schema stands under', () => {
    for (const [type, schema] of Object.entries(serverFrameSchemas))
      expect(schema.shape.type.def.values).toEqual([type])
  })
})
