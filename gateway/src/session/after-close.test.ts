import { expect, test } from 'vitest'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { isAfterClose } from './after-close.ts'

test('a peer that sends on after the close is ended at the 16,384th frame, and not before', () => {
  const connection = fakeConnection()
  for (let frame = 0; frame < 20_000; frame++) isAfterClose(connection)
  expect(isAfterClose(connection)).toBe(false)
  connection.phase = 'closing'
  for (let frame = 1; frame < 16_384; frame++) isAfterClose(connection)
  expect(connection.peer.closed).toBe(null)
  expect(isAfterClose(connection)).toBe(true)
  expect(connection.peer.closed?.code).toBe(1006)
})
