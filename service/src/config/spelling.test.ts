import { expect, test } from 'vitest'
import { nearest } from './spelling.ts'

const known = ['SLUICE_NATS_URL', 'SLUICE_NATS_USER', 'SLUICE_LOG_LEVEL', 'url']

test.each([
  ['SLUICE_NATS_ULR', 'SLUICE_NATS_URL'],
  ['SLUICE_NATS_USERS', 'SLUICE_NATS_USER'],
  ['SLUICE_LOGLEVEL', 'SLUICE_LOG_LEVEL'],
  ['sluice_nats_url', 'SLUICE_NATS_URL'],
  ['urls', 'url'],
])('%s is taken for %s', (unknown, expected) => {
  expect(nearest(unknown, known)).toBe(expected)
})

test.each(['SLUICE_SOMETHING_ELSE', 'colour', '', 'x'.repeat(10_000)])('%s is taken for nothing', (unknown) => {
  expect(nearest(unknown, known.slice(0, 3))).toBeNull()
})
