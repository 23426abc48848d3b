import { afterEach, expect, test, vi } from 'vitest'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { isAfterClose } from './after-close.ts'

afterEach(() => vi.useRealTimers())

test('a peer that sends on after the close is not read any more from the 256th frame on, and ended two seconds later', () => {
  vi.useFakeTimers()
  const connection = fakeConnection()
  for (let frame = 0; frame < 20_000; frame++) isAfterClose(connection)
  expect(isAfterClose(connection)).toBe(false)
  connection.phase = 'closing'
  for (let frame = 1; frame < 256; frame++) isAfterClose(connection)
  expect(connection.peer.paused).toBe(false)
  expect(isAfterClose(connection)).toBe(true)
  expect(connection.peer.paused).toBe(true)
  vi.advanceTimersByTime(1999)
  expect(connection.peer.closed).toBe(null)
  vi.advanceTimersByTime(1)
  expect(connection.peer.closed?.code).toBe(1006)
})
