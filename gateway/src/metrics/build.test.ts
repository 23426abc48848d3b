import { PROTOCOL_VERSION } from '@sluice/proto'
import { expect, test } from 'vitest'
import { BUILD } from './build.ts'

test('a build is known by its own version, that of Node and that of the protocol', () => {
  expect(BUILD).toEqual({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    node: process.version,
    protocol: PROTOCOL_VERSION,
  })
})
