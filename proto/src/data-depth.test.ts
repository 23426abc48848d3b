import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isTooDeep } from './data-depth.ts'
import { DATA_DEPTH_MAX } from './limits.ts'

const nested = (levels: number, inner = '1') => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

describe('the nesting of data [P-8.5]', () => {
  test.each([
    [DATA_DEPTH_MAX - 1, false],
    [DATA_DEPTH_MAX, false],
    [DATA_DEPTH_MAX + 1, true],
    [100_000, true],
  ])('of %i levels is too deep: %j', (levels, tooDeep) => {
    expect(isTooDeep(nested(levels))).toBe(tooDeep)
    expect(isTooDeep(nested(levels - 1, '{}'))).toBe(tooDeep)
    expect(isTooDeep(nested(levels - 1, `{"k":${JSON.stringify('x'.repeat(600))}}`))).toBe(tooDeep)
  })

  test('is that of the value, whatever its strings hold', () => {
    const base = DATA_DEPTH_MAX - 3
    const strings = fc.string({ unit: fc.constantFrom('[', '{', '"', '\\', ']', '}', 'a'), maxLength: 20 })
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        strings,
        fc.array(tie('value'), { maxLength: 2 }),
        fc.dictionary(strings, tie('value'), { maxKeys: 2 }),
      ),
    })).value
    fc.assert(
      fc.property(value, (inner) => {
        expect(isTooDeep(nested(base, JSON.stringify(inner)))).toBe(base + depthOf(inner) > DATA_DEPTH_MAX)
      }),
    )
  })

  test('does not count what stands side by side', () => {
    expect(isTooDeep(`[${'[],'.repeat(10_000)}[]]`)).toBe(false)
  })
})
