import { describe, expect } from 'vitest'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithCluster()

/** Each is one room, and no other's. */
const ODD = [
  '.',
  '..',
  'a.b.c',
  '>',
  'a>',
  ' ',
  ' a ',
  'a b',
  '\0',
  'a\0b',
  '\r\n',
  '\t',
  'a:b',
  ':',
  '=41',
  '=',
  'A',
  '🙂',
  '👩‍👩‍👧',
  '\u00e9',
  'e\u0301',
  '\u202e',
  '\ufeff',
  '%2e',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '$SYS',
  '_INBOX',
  '-',
  '0',
  '~',
  '"',
  '\\',
  '{user}',
]

describe('a room with an odd name', () => {
  test('is a room like any other, heard across gateways and by no other room', async ({
    stage,
    cluster: { one, two },
  }) => {
    const ann = await stage.user(one, 'ann')
    const ben = await stage.user(two, 'ben')
    for (const name of ODD) await ben.join(`chat:${name}`)
    for (const [index, name] of ODD.entries()) await ann.ok({ type: 'publish', room: `chat:${name}`, data: index })
    for (const [index, name] of ODD.entries()) {
      expect(await ben.message()).toMatchObject({ room: `chat:${name}`, data: index })
    }
    await ben.settled()
    expect(ben.frames.filter(({ type }) => type === 'message')).toHaveLength(ODD.length)
  })

  test('works without a namespace too, where the name has no colon', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    for (const room of ODD.filter((name) => !name.includes(':'))) {
      await ann.join(room)
      await ann.ok({ type: 'publish', room, data: 1 })
      expect(await ann.message()).toMatchObject({ room, data: 1 })
    }
  })

  test('is refused where it is none: empty, a star, half of a character, 5,000 bytes', async ({
    stage,
    cluster: { one },
  }) => {
    const ann = await stage.user(one, 'ann')
    const rooms = [
      '',
      'chat:',
      ':room',
      '*',
      'chat:a*b',
      '**',
      'chat:\ud800',
      '\udfff',
      'x'.repeat(5000),
      '🙂'.repeat(1250),
    ]
    for (const room of rooms) {
      for (const type of ['join', 'leave', 'publish']) {
        const code = await ann.refused({ type, room, ...(type === 'publish' ? { data: 1 } : {}) })
        expect({ room, type, code }).toEqual({ room, type, code: 'bad_request' })
      }
      await ann.settled()
    }
    for (const room of [1, null, true, [], {}, ['chat:a']]) {
      expect(await ann.refused({ type: 'join', room })).toBe('bad_request')
      await ann.settled()
    }
  })
})

describe('a user with an odd name', () => {
  test('signs in and is found by it', async ({ stage, cluster: { one, two } }) => {
    const ann = await stage.user(one, 'ann')
    const names = ODD.filter((name) => !name.startsWith('~'))
    for (const name of names) {
      const odd = await stage.open(two, { token: await makeToken(name), by: 'frame' })
      expect(await odd.welcome()).toMatchObject({ user: name })
      await ann.ok({ type: 'send', user: name, data: name })
      expect(await odd.message()).toMatchObject({ user: name, from: 'ann', data: name })
      await odd.join('chat:odd')
      await odd.ok({ type: 'publish', room: 'chat:odd', data: 1 })
      expect(await odd.message()).toMatchObject({ from: name })
      await odd.leave()
    }
  })
})

describe('fields of odd names', () => {
  test('pollute nothing', async ({ stage, cluster: { one } }) => {
    const ann = await stage.user(one, 'ann')
    ann.raw('{"id":1,"type":"join","room":"chat:own","__proto__":{"room":"chat:other"},"constructor":{"prototype":{}}}')
    expect(await ann.next(({ id }) => id === 1)).toMatchObject({ type: 'ok' })
    ann.raw('{"__proto__":{"type":"join","room":"chat:inherited"},"id":2}')
    expect(await ann.next(({ id }) => id === 2)).toMatchObject({ code: 'bad_request' })
    for (const type of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
      ann.raw(`{"id":3,"type":"${type}"}`)
      expect(await ann.next(({ id }) => id === 3)).toMatchObject({ code: 'bad_request' })
    }
    await ann.settled()
    const data = '{"__proto__":{"polluted":true},"constructor":1}'
    ann.raw(`{"type":"publish","room":"chat:own","data":${data}}`)
    await ann.message()
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    await (await stage.user(one, 'ben')).join('chat:own')
  })
})
