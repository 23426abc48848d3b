import { afterEach, expect, test, vi } from 'vitest'
import { fakeConnection } from '../../../test/harness/session-fakes.ts'
import { leaveUnread } from './leave-unread.ts'

afterEach(() => vi.useRealTimers())

test('nothing more is read, and the close frame has half a second to arrive', () => {
  vi.useFakeTimers()
  const { peer } = fakeConnection()
  leaveUnread(peer)
  expect(peer.paused).toBe(true)
  vi.advanceTimersByTime(499)
  expect(peer.closed).toBe(null)
  vi.advanceTimersByTime(1)
  expect(peer.closed?.code).toBe(1006)
})
