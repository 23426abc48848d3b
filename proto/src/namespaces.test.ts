import { describe, expect, test } from 'vitest'
import { LIMITS } from './limits.ts'
import { NAMESPACES_MAX, namespacesSchema } from './namespaces.ts'

const told = (raw: unknown) =>
  namespacesSchema.safeParse(raw).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

describe('the settings of namespaces', () => {
  test('let nobody in and keep nothing by default', () => {
    expect(namespacesSchema.parse({ chat: {} })).toEqual({
      chat: {
        join: { who: 'granted' },
        publish: { who: 'granted', joined: false },
        history: false,
        presence: false,
        wildcard: false,
        echo: true,
        slowReaders: 'close',
        limits: {},
      },
    })
  })

  test('fill in what a part of them leaves out', () => {
    const { chat } = namespacesSchema.parse({ chat: { join: {}, publish: { joined: true } } })
    expect(chat?.join).toEqual({ who: 'granted' })
    expect(chat?.publish).toEqual({ who: 'granted', joined: true })
  })

  test('are those of the example', () => {
    const chat = {
      join: { who: 'anyone' },
      publish: { who: 'anyone', joined: false },
      history: { messages: 1000, seconds: 86_400 },
      presence: true,
      wildcard: false,
      echo: true,
      slowReaders: 'drop',
    }
    expect(namespacesSchema.parse({ chat })).toEqual({ chat: { ...chat, limits: {} } })
  })

  test.each([
    [{ chat: { join: { who: 'all' } } }, 'chat.join.who: anyone, granted or service is needed'],
    [{ chat: { publsh: {} } }, 'chat: an object of known settings is needed'],
    [{ chat: { join: { who: 'anyone', joined: true } } }, 'chat.join: an object of known settings is needed'],
    [{ chat: { presence: 'yes' } }, 'chat.presence: true or false is needed'],
    [{ chat: { slowReaders: true } }, 'chat.slowReaders: close or drop is needed'],
    [{ chat: { history: true } }, 'chat.history: false, or messages and seconds are needed'],
    [
      { chat: { history: { messages: 0, seconds: 1 } } },
      'chat.history.messages: an integer from 1 to 1000000 is needed',
    ],
    [{ chat: null }, 'chat: an object of known settings is needed'],
    [[], ': an object of namespaces is needed'],
    [{ 'a.b': {} }, 'a.b: a namespace is called 1 to 32 of A-Z a-z 0-9 _ -'],
    [{ '': {} }, ': a namespace is called 1 to 32 of A-Z a-z 0-9 _ -'],
  ])('say what is wrong with %j', (raw, sentence) => {
    expect(told(raw)).toEqual([sentence])
  })

  test.each([
    [{ messages: 1_000_000, seconds: 31_536_000 }, true],
    [{ messages: 1_000_001, seconds: 1 }, false],
    [{ messages: 1, seconds: 31_536_001 }, false],
    [{ messages: 1.5, seconds: 1 }, false],
    [{ messages: 1 }, false],
  ])('keep history within bounds: %j is %j', (history, allowed) => {
    expect(told({ chat: { history } }) === undefined).toBe(allowed)
  })

  test('bound what clients publish into one within the bounds of all', () => {
    const { max } = LIMITS.payloadBytesMax
    expect(told({ chat: { limits: { payloadBytesMax: max } } })).toBeUndefined()
    expect(told({ chat: { limits: { payloadBytesMax: max + 1 } } })).toHaveLength(1)
  })

  test('are those of a bounded number of namespaces, with names of a bounded length', () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`ns${at}`, {}]))
    expect(told(many(NAMESPACES_MAX))).toBeUndefined()
    expect(told(many(NAMESPACES_MAX + 1))).toEqual([`: at most ${NAMESPACES_MAX} namespaces`])
    expect(told({ ['n'.repeat(32)]: {} })).toBeUndefined()
    expect(told({ ['n'.repeat(33)]: {} })).toHaveLength(1)
  })

  test('do not reach the prototype of what they are read into', () => {
    const parsed = namespacesSchema.parse(JSON.parse('{"__proto__":{"presence":true},"constructor":{}}'))
    expect(Object.keys(parsed)).toEqual(['constructor'])
    expect('presence' in parsed).toBe(false)
  })
})
