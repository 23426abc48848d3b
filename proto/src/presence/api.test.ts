import { describe, expect, test } from 'vitest'
import { ERROR_CODES, type ErrorCode } from '../error-codes.ts'
import { API_ROOMS_MAX, API_VERBS, type ApiVerb, decodeApiAnswer, decodeApiRequest, ROOM_MEMBERS_MAX } from './api.ts'
import { apiErrorNumber, decodeApiError, encodeApiError } from './api-errors.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const ask = (verb: ApiVerb, request: unknown) => decodeApiRequest(verb, bytes(JSON.stringify(request)))

describe('a request', () => {
  test.each<[ApiVerb, object]>([
    ['presence', { room: 'chat:lobby' }],
    ['presence', { room: 'default:lobby', limit: ROOM_MEMBERS_MAX, revision: 0 }],
    ['count', { rooms: ['a', 'b:c'] }],
    ['count', { rooms: Array.from({ length: API_ROOMS_MAX }, (_, at) => `r${at}`) }],
    ['rooms', { namespace: 'chat' }],
    ['rooms', { namespace: 'chat', after: 'chat:lobby', limit: 1 }],
    ['user', { user: 'alice' }],
    ['gateways', {}],
  ])('of %s may be %j', (verb, request) => {
    expect(ask(verb, { ...request, later: true })).toEqual({ ok: true, request })
  })

  test.each<[ApiVerb, unknown, string]>([
    ['presence', {}, 'room: a room is needed'],
    ['presence', { room: 'a*' }, 'room: a room is needed'],
    ['presence', { room: 'a', limit: 0 }, 'limit: an integer from 1 to 1000 is needed'],
    ['presence', { room: 'a', limit: 1001 }, 'limit: an integer from 1 to 1000 is needed'],
    ['presence', { room: 'a', revision: -1 }, 'revision: an integer from 0 is needed'],
    ['presence', { room: 'x'.repeat(129) }, 'room: a room is needed'],
    ['count', { rooms: [] }, 'rooms: a list of 1 to 1000 rooms is needed'],
    ['count', { rooms: Array.from({ length: 1001 }, () => 'a') }, 'rooms: a list of 1 to 1000 rooms is needed'],
    ['count', { rooms: ['a', 7] }, 'rooms.1: a room is needed'],
    ['rooms', { namespace: 'a.b' }, 'namespace: a namespace is needed'],
    ['user', { user: '' }, 'user: a user is needed'],
    ['user', [], 'a request is one JSON object'],
    ['user', null, 'a request is one JSON object'],
  ])('of %s may not be %j', (verb, request, message) => {
    expect(ask(verb, request)).toEqual({ ok: false, message })
  })

  test('that is empty stands for no fields', () => {
    expect(decodeApiRequest('gateways', bytes(''))).toEqual({ ok: true, request: {} })
    expect(decodeApiRequest('user', bytes('')).ok).toBe(false)
    expect(decodeApiRequest('gateways', bytes('nonsense')).ok).toBe(false)
  })

  test('that is longer than any can be is not read', () => {
    expect(ask('user', { user: 'a', more: 'x'.repeat(600_000) })).toEqual({
      ok: false,
      message: 'the request is too long',
    })
  })

  test('may be of five verbs', () => {
    expect(API_VERBS).toEqual([
      ...['presence', 'count', 'rooms', 'user', 'gateways'],
      ...['publish', 'disconnect', 'join', 'leave', 'move'],
    ])
  })
})

describe('an answer', () => {
  test('counts rooms that are called as nothing else may', () => {
    const counts = Object.fromEntries([['__proto__', { members: 1, connections: 2 }]])
    const answer = decodeApiAnswer('count', bytes(JSON.stringify({ counts })))
    expect(Object.entries(answer?.counts ?? {})).toEqual([['__proto__', { members: 1, connections: 2 }]])
  })

  test('that is malformed is none', () => {
    expect(
      decodeApiAnswer('presence', bytes('{"room":"default:lobby","count":0,"connections":0,"members":[]}')),
    ).toBeNull()
    expect(decodeApiAnswer('gateways', bytes(''))).toBeNull()
  })
})

describe('an error', () => {
  test('has a number that clients of the protocol know', () => {
    const numbers = Object.fromEntries(
      Object.keys(ERROR_CODES).map((code) => [code, apiErrorNumber(code as ErrorCode)]),
    )
    expect(numbers).toMatchObject({
      bad_request: 400,
      unauthorized: 401,
      forbidden: 403,
      not_found: 404,
      rate_limited: 429,
      unsupported: 501,
      unavailable: 503,
      timeout: 504,
      internal: 500,
      not_enabled: 500,
      unknown_namespace: 500,
    })
  })

  test('carries our own code, which decides before the number', () => {
    const body = bytes(encodeApiError({ code: 'not_enabled', message: 'presence is off' }))
    expect(decodeApiError(500, body)).toEqual({ code: 'not_enabled', message: 'presence is off' })
  })

  test('of another release or another service is known by its number', () => {
    expect(decodeApiError(503, bytes(''))).toEqual({ code: 'unavailable', message: '' })
    expect(decodeApiError(429, bytes('{"code":"later","message":"m"}'))).toEqual({ code: 'rate_limited', message: 'm' })
    expect(decodeApiError(418, bytes('{"code":"toString","message":"m"}'))).toEqual({ code: 'internal', message: 'm' })
  })
})
