import { describe, expect, test } from 'vitest'
import { serverProblem } from './server-requirements.ts'

const GOOD = { version: '2.11.0', headers: true, max_payload: 1024 }

const need = (bytes: number) => ({ bytes, because: 'large messages' })

describe('a nats-server', () => {
  test.each(['2.11.0', '2.11.1', '2.12.0-preview.1', '2.15.2', '3.0.0', 'v2.11.4', '10.0.0'])(
    'of %s is good',
    (version) => {
      expect(serverProblem({ ...GOOD, version }, need(1024))).toBe(null)
    },
  )

  test.each(['2.10.29', '2.9.0', '1.99.99', '0.0.1', 'garbage', ''])('of %s is too old, and told why', (version) => {
    expect(serverProblem({ ...GOOD, version }, need(1024))).toContain('2.11.0 or newer is needed')
  })

  test('without headers is refused', () => {
    expect(serverProblem({ ...GOOD, headers: false }, need(1024))).toContain('headers')
  })

  test('that takes less than our largest message is refused, with both numbers and the reason', () => {
    expect(serverProblem(GOOD, need(1024))).toBe(null)
    expect(serverProblem(GOOD, need(1025))).toMatch(/1024 bytes .*large messages need 1025/)
  })

  test('that said nothing of itself is refused', () => {
    expect(serverProblem(undefined, need(1))).toBe('NATS sent no INFO')
  })
})
