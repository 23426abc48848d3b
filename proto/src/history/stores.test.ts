import { describe, expect, test } from 'vitest'
import { NAMESPACE_PATTERN } from '../namespaces.ts'
import { createHistoryStores } from './stores.ts'

describe('the streams of an installation', () => {
  test('have names that no two namespaces share, and that the inbox does not', () => {
    const stores = createHistoryStores('sluice')
    const names = ['chat', 'Chat', 'INBOX', 'a_b', 'a-b'].map((namespace) => {
      expect(namespace).toMatch(NAMESPACE_PATTERN)
      return stores.room(namespace).stream
    })
    expect(new Set([...names, stores.inbox.stream]).size).toBe(6)
  })

  test.each(['', 'a.b', 'a b', '>', 'x'.repeat(33)])('are refused the prefix “%s”', (prefix) => {
    expect(() => createHistoryStores(prefix)).toThrow(RangeError)
  })
})
