import { ERROR_CODES, LIMITS } from '@sluice/proto'
import { expect, test } from 'vitest'
import { errorOf } from './server-frame.ts'
import { NAME_BYTES_MAX } from './sluice-client.ts'
import { SLUICE_ERROR_CODES, SluiceError } from './sluice-error.ts'

test('every code of the protocol is known, and the client’s own are none of them', () => {
  const own = ['closed', 'lost', 'overflow', 'queue_full']
  expect(Object.keys(SLUICE_ERROR_CODES).sort()).toEqual([...Object.keys(ERROR_CODES), ...own].sort())
})

test('an error frame becomes an error with its fields', () => {
  const error = errorOf({
    type: 'error',
    code: 'unavailable',
    message: 'NATS is away',
    retryAfterMs: 2000,
    details: { a: 1 },
  })
  expect(error).toBeInstanceOf(SluiceError)
  expect(error).toMatchObject({ code: 'unavailable', message: 'NATS is away', retryAfterMs: 2000, details: { a: 1 } })
})

test('a code of a later release is taken for internal, and still told', () => {
  expect(errorOf({ code: 'on_fire', message: 'hot' })).toMatchObject({ code: 'internal', message: 'on_fire: hot' })
  expect(errorOf({ code: 'toString' })).toMatchObject({ code: 'internal' })
  expect(errorOf({})).toMatchObject({ code: 'internal' })
})

test('a name may be as long as any gateway allows', () => {
  expect(NAME_BYTES_MAX).toBe(LIMITS.nameBytesMax.max)
})
