import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CHUNK_BOUNDS, createChunks } from './chunks.ts'
import { CHUNK_MAX } from './keys.ts'
import { ENTRY_BYTES_MAX, ENTRY_ITEMS_MAX, roomEntryText, userEntryText } from './values.ts'

const small = { itemsMax: 2, bytesMax: 20 }

describe('an item', () => {
  test('goes to the first chunk with room, and stays there', () => {
    const chunks = createChunks(small)
    for (const name of ['a', 'b', 'c']) expect(chunks.set(name, name)).toBe(true)
    expect(chunks.take()).toEqual([
      { chunk: 0, texts: ['a', 'b'] },
      { chunk: 1, texts: ['c'] },
    ])
    chunks.delete('a')
    chunks.set('c', 'C')
    expect(chunks.take()).toEqual([
      { chunk: 0, texts: ['b'] },
      { chunk: 1, texts: ['C'] },
    ])
    chunks.set('d', 'd')
    expect(chunks.take()).toEqual([{ chunk: 0, texts: ['b', 'd'] }])
  })

  test('that is set as it is, or deleted when it is not there, makes nothing to write', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a')
    chunks.take()
    expect(chunks.set('a', 'a')).toBe(false)
    expect(chunks.delete('b')).toBe(false)
    expect(chunks.dirty).toBe(false)
    expect(chunks.take()).toEqual([])
  })

  test('that comes back before its leave was written finds its place kept', () => {
    const chunks = createChunks(small)
    for (const name of ['a', 'b', 'c']) chunks.set(name, name)
    chunks.take()
    chunks.delete('a')
    chunks.set('d', 'd')
    chunks.set('a', 'a')
    expect(chunks.take()).toEqual([
      { chunk: 0, texts: ['b', 'a'] },
      { chunk: 1, texts: ['c', 'd'] },
    ])
  })

  test('that outgrows its chunk moves, and is written there before it is taken out here', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a'.repeat(9))
    chunks.set('b', 'b'.repeat(9))
    chunks.set('c', 'c')
    chunks.take()
    chunks.set('a', 'a'.repeat(12))
    expect(chunks.take()).toEqual([
      { chunk: 1, texts: ['c', 'a'.repeat(12)] },
      { chunk: 0, texts: ['b'.repeat(9)] },
    ])
  })

  test('is never put where another has just moved away, so that no two chunks wait for each other', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a')
    chunks.take()
    chunks.set('b', 'b'.repeat(9))
    chunks.set('a', 'a'.repeat(15))
    chunks.set('c', 'c')
    expect(chunks.take()).toEqual([
      { chunk: 1, texts: ['a'.repeat(15), 'c'] },
      { chunk: 0, texts: ['b'.repeat(9)] },
    ])
  })

  test('is counted in bytes', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'é'.repeat(9))
    chunks.set('b', 'b')
    expect(chunks.take()).toHaveLength(2)
    expect(() => chunks.set('c', 'é'.repeat(10))).toThrow(RangeError)
    expect(chunks.size).toBe(2)
  })
})

describe('a chunk', () => {
  test('that has become empty is purged once, and used again', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a')
    chunks.take()
    chunks.delete('a')
    expect(chunks.dirty).toBe(true)
    expect(chunks.take()).toEqual([{ chunk: 0, texts: null }])
    expect(chunks.take()).toEqual([])
    chunks.set('b', 'b')
    expect(chunks.take()).toEqual([{ chunk: 0, texts: ['b'] }])
  })

  test('that was filled and emptied between two times is not written at all', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a')
    chunks.delete('a')
    expect(chunks.dirty).toBe(false)
    expect(chunks.take()).toEqual([])
  })

  test('whose write has failed is written again as it is then', () => {
    const chunks = createChunks(small)
    chunks.set('a', 'a')
    chunks.take()
    chunks.failed(0)
    chunks.set('b', 'b')
    expect(chunks.take()).toEqual([{ chunk: 0, texts: ['a', 'b'] }])
    chunks.delete('a')
    chunks.delete('b')
    chunks.take()
    chunks.failed(0)
    expect(chunks.take()).toEqual([{ chunk: 0, texts: null }])
    chunks.failed(7)
    expect(chunks.take()).toEqual([])
  })

  test('of a new instance is written if it has items, and never purged', () => {
    const chunks = createChunks(small)
    for (const name of ['a', 'b', 'c']) chunks.set(name, name)
    chunks.take()
    chunks.delete('c')
    chunks.rewrite()
    expect(chunks.take()).toEqual([{ chunk: 0, texts: ['a', 'b'] }])
  })

  test('has a number that a key can carry', () => {
    const chunks = createChunks({ itemsMax: 1, bytesMax: 10 })
    for (let at = 0; at <= CHUNK_MAX; at++) chunks.set(`${at}`, 'x')
    expect(() => chunks.set('one more', 'x')).toThrow(RangeError)
  })

  test('of the contract fits its entry', () => {
    const text = 'x'.repeat(CHUNK_BOUNDS.bytesMax - 1)
    expect(roomEntryText([text]).length).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
    expect(userEntryText([text]).length).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
    expect(CHUNK_BOUNDS.itemsMax).toBe(ENTRY_ITEMS_MAX)
  })
})

test('what was written is what is there, within the bounds, and nobody is ever in no chunk', () => {
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name: fc.nat({ max: 9 }), length: fc.integer({ min: 1, max: 19 }) }),
    fc.record({ kind: fc.constant('delete' as const), name: fc.nat({ max: 9 }) }),
    fc.record({ kind: fc.constantFrom('take' as const, 'lose' as const, 'rewrite' as const) }),
  )
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
      const chunks = createChunks({ itemsMax: 3, bytesMax: 20 })
      const model = new Map<string, string>()
      const written = new Map<number, readonly string[]>()
      let settled = new Set<string>()
      const write = (losing: boolean) => {
        for (const { chunk, texts } of chunks.take()) {
          if (losing) chunks.failed(chunk)
          else if (texts === null) written.delete(chunk)
          else written.set(chunk, texts)
          expect(texts?.length ?? 0).toBeLessThanOrEqual(3)
          expect((texts ?? []).join().length + 1).toBeLessThanOrEqual(20)
          if (losing) continue
          const present = new Set([...written.values()].flat().map((text) => text[0]))
          for (const name of settled) if (model.has(name)) expect(present).toContain(name)
        }
        // Who was away at a write that failed may be missing for a moment.
        settled = losing ? new Set([...settled].filter((name) => model.has(name))) : new Set(model.keys())
      }
      for (const operation of operations) {
        if (operation.kind === 'set') {
          const [name, text] = [`${operation.name}`, `${operation.name}`.repeat(operation.length)]
          expect(chunks.set(name, text)).toBe(model.get(name) !== text)
          model.set(name, text)
        } else if (operation.kind === 'delete') {
          expect(chunks.delete(`${operation.name}`)).toBe(model.delete(`${operation.name}`))
        } else if (operation.kind === 'rewrite') {
          chunks.rewrite()
          written.clear()
          settled.clear()
        } else write(operation.kind === 'lose')
        expect(chunks.size).toBe(model.size)
      }
      write(false)
      expect([...written.values()].flat().sort()).toEqual([...model.values()].sort())
      expect(chunks.dirty).toBe(false)
    }),
    { numRuns: 500 },
  )
})
