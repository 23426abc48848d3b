import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readUpgradeRequest, selectSubprotocol, type UpgradeRequest } from './upgrade-request.ts'

const read = (url: string, headers: Record<string, string> = {}): UpgradeRequest =>
  readUpgradeRequest({ url, headers }, false)

describe('the token of a request', () => {
  test.each<[string, string, Record<string, string>, string | null]>([
    ['the header', '/ws', { authorization: 'Bearer a.b.c' }, 'a.b.c'],
    ['the header in any case', '/ws', { authorization: 'bEaReR   a.b.c  ' }, 'a.b.c'],
    ['a subprotocol entry', '/ws', { 'sec-websocket-protocol': 'sluice.v1.json, bearer.a.b.c' }, 'a.b.c'],
    ['the entry in front', '/ws', { 'sec-websocket-protocol': 'bearer.a.b.c,sluice.v1.json' }, 'a.b.c'],
    ['the query', '/ws?x=1&token=a.b.c', {}, 'a.b.c'],
    ['the query, decoded', '/ws?token=a%2Eb%2ec', {}, 'a.b.c'],
    ['an empty query', '/ws?token=', {}, ''],
    ['nowhere', '/ws', {}, null],
    ['another scheme', '/ws', { authorization: 'Basic YTpi' }, null],
    ['two words', '/ws', { authorization: 'Bearer a b' }, null],
    ['no word', '/ws', { authorization: 'Bearer' }, null],
    ['a query that is none', '/ws?%&&=%E0%A4%A', {}, null],
  ])('comes from %s', (_, url, headers, token) => {
    expect(read(url, headers).token).toBe(token)
  })

  test('comes from the first way that has one', () => {
    const headers = { authorization: 'Bearer header', 'sec-websocket-protocol': 'sluice.v1.json, bearer.entry' }
    expect(read('/ws?token=query', headers).token).toBe('header')
    expect(read('/ws?token=query', { ...headers, authorization: 'Basic x' }).token).toBe('entry')
    expect(read('/ws?token=query', { 'sec-websocket-protocol': 'sluice.v1.json' }).token).toBe('query')
  })
})

describe('the subprotocol of a request', () => {
  test.each<[string | undefined, string | null]>([
    [undefined, 'sluice.v1.json'],
    ['', 'sluice.v1.json'],
    ['sluice.v1.json', 'sluice.v1.json'],
    ['sluice.v1.msgpack', 'sluice.v1.msgpack'],
    ['sluice.v1.msgpack, sluice.v1.json', 'sluice.v1.msgpack'],
    ['sluice.v9.json,sluice.v1.json', 'sluice.v1.json'],
    ['bearer.abc, sluice.v1.msgpack', 'sluice.v1.msgpack'],
    ['sluice.v9.json', null],
    ['bearer.abc', null],
    ['chat, SLUICE.V1.JSON', null],
  ])('%j offers %s', (offered, spoken) => {
    const headers = offered === undefined ? {} : { 'sec-websocket-protocol': offered }
    expect(read('/ws', headers).subprotocol).toBe(spoken)
  })

  test('is what is selected, and never the entry that carries the token', () => {
    expect(selectSubprotocol(['bearer.abc', 'sluice.v1.msgpack', 'sluice.v1.json'])).toBe('sluice.v1.msgpack')
    expect(selectSubprotocol(['bearer.abc'])).toBe(false)
    expect(selectSubprotocol([])).toBe(false)
  })
})

test('path and origin are told as they stand', () => {
  expect(read('/a/b?c=d?e', { origin: 'https://x' })).toMatchObject({ path: '/a/b', origin: 'https://x' })
  expect(read('/ws')).toMatchObject({ path: '/ws', origin: null })
  expect(readUpgradeRequest({ url: undefined, headers: {} }, true)).toMatchObject({ path: '/' })
})

test('nothing in a request makes reading it throw', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(text, text, text, text, (url, authorization, offered, origin) => {
      read(url, { authorization, 'sec-websocket-protocol': offered, origin })
    }),
  )
})
