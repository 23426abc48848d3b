import { describe, expect, test } from 'vitest'
import { createChain } from './chain.ts'
import { createView } from './presence-view.ts'

describe('a chain', () => {
  test('takes each message that follows, though offsets have gaps and older ones expire', () => {
    const chain = createChain()
    chain.stand({ epoch: 'e', offset: 10 })
    expect(chain.take({ offset: 12, prev: 10, time: 5 })).toBe('next')
    expect(chain.take({ offset: 20, prev: 3 })).toBe('next')
    expect(chain.position).toEqual({ epoch: 'e', offset: 20 })
  })

  test('sees a message that was lost, and one that came twice', () => {
    const chain = createChain()
    chain.stand({ epoch: 'e', offset: 10 })
    expect(chain.take({ offset: 13, prev: 11 })).toBe('lost')
    expect(chain.take({ offset: 13, prev: 11 })).toBe('doubled')
    expect(chain.take({ offset: 12, prev: 10 })).toBe('doubled')
    expect(chain.take({})).toBe('live')
  })

  test('misses what was acknowledged until it has come, in whatever order they came', () => {
    const chain = createChain()
    chain.stand({ epoch: 'e', offset: 1 })
    chain.expect(3)
    expect(chain.missing).toBe(1)
    chain.take({ offset: 3, prev: 1 })
    chain.expect(2)
    expect(chain.missing).toBe(0)
  })
})

describe('a view of members', () => {
  const taken = () => {
    const view = createView()
    view.take({ type: 'ok', members: [{ user: 'a' }, { user: 'b' }], count: 2 })
    return view
  }

  test('is who was told, and who came and went since', () => {
    const view = taken()
    expect(view.take({ type: 'joined', member: { user: 'c' } })).toBe(true)
    expect(view.take({ type: 'left', member: { user: 'a' } })).toBe(true)
    expect(view.equals(new Set(['b', 'c']))).toBe(true)
    expect([view.equals(new Set(['a', 'b'])), view.equals(new Set(['b']))]).toEqual([false, false])
  })

  test('refuses a second joined, and a left of who is not there', () => {
    const view = taken()
    expect(view.take({ type: 'joined', member: { user: 'a' } })).toBe(false)
    expect(view.take({ type: 'left', member: { user: 'x' } })).toBe(false)
  })

  test('of which only a sample was told is judged by its count', () => {
    const view = createView()
    view.take({ type: 'members', members: [{ user: 'a' }], count: 3 })
    expect(view.equals(new Set(['x', 'y', 'z']))).toBe(true)
    expect(view.equals(new Set(['x', 'y']))).toBe(false)
  })
})
