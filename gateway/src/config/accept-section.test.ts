import { describe, expect, test } from 'vitest'
import { mistakesOf } from './load-from-tables.ts'

describe('addresses', () => {
  test.each(['*', 'https://a.example', 'http://localhost:3000', 'capacitor://localhost', 'http://[::1]:3000', ''])(
    '%s is an origin',
    (origin) => {
      expect(mistakesOf({ SLUICE_ACCEPT_ORIGINS: origin })).toEqual([])
    },
  )

  test.each([
    'a.example',
    'https://a.example/',
    'https://A.example',
    'https://a.example:443',
    'https://*.example',
    'https://u@a.example',
    'null',
  ])('%s is no origin that a browser sends', (origin) => {
    expect(mistakesOf({ SLUICE_ACCEPT_ORIGINS: origin })).toHaveLength(1)
  })

  test.each(['10.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1', '0.0.0.0/0'])('%s is a proxy or a range of them', (range) => {
    expect(mistakesOf({ SLUICE_ACCEPT_TRUSTED_PROXIES: range })).toEqual([])
  })

  test.each(['proxy', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fd00::/129', '10.0.0'])(
    '%s is no proxy',
    (range) => {
      expect(mistakesOf({ SLUICE_ACCEPT_TRUSTED_PROXIES: range })).toHaveLength(1)
    },
  )
})
