import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { field, listFields, nameOf, section, variableOf } from './fields.ts'

describe('the name of a variable', () => {
  test.each([
    ['local', 'SLUICE_LOCAL'],
    ['nats.url', 'SLUICE_NATS_URL'],
    ['auth.jwksUrl', 'SLUICE_AUTH_JWKS_URL'],
    ['limits.frameBytesMax', 'SLUICE_LIMITS_FRAME_BYTES_MAX'],
    ['nats.tls.caFile', 'SLUICE_NATS_TLS_CA_FILE'],
    ['router.admin.port', 'SLUICE_ROUTER_ADMIN_PORT'],
    ['accept.addressSignInFailuresPerSecond', 'SLUICE_ACCEPT_ADDRESS_SIGN_IN_FAILURES_PER_SECOND'],
  ])('of %s is %s', (path, variable) => {
    expect(variableOf(path)).toBe(variable)
  })
})

describe('a field', () => {
  test('has what its schema and its description say', () => {
    const doors = field(z.int().min(1).max(9).default(2), { description: 'Doors.', live: true })
    const [found] = listFields(z.strictObject({ shop: section({ doors }) }))
    expect(found).toEqual({
      path: 'shop.doors',
      variable: 'SLUICE_SHOP_DOORS',
      kind: 'number',
      default: 2,
      allowed: 'a whole number from 1 to 9',
      description: 'Doors.',
      live: true,
      schema: doors,
    })
    expect(found === undefined ? '' : nameOf(found)).toBe('SLUICE_SHOP_DOORS (shop.doors)')
  })
})

describe('a schema for fields', () => {
  test('is refused if a leaf has no description', () => {
    expect(() => listFields(z.strictObject({ inner: section({ bare: z.string() }) }))).toThrow('inner.bare')
  })

  test('is refused if text does not say what is allowed', () => {
    const schema = z.strictObject({ word: field(z.string(), { description: 'A word.' }) })
    expect(() => listFields(schema)).toThrow('word')
  })

  test('is refused if a kind has no flat form', () => {
    const schema = z.strictObject({ when: field(z.date(), { description: 'A date.' }) })
    expect(() => listFields(schema)).toThrow('when')
  })
})
