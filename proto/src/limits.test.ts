import { describe, expect, test } from 'vitest'
import { brokenRelations, DEFAULT_LIMITS, LIMITS, type LimitName, type Limits } from './limits.ts'

const names = Object.keys(LIMITS) as LimitName[]

describe('the limits [P-10.1]', () => {
  test.each(names)('%s has a default within its bounds', (name) => {
    const { min, max, default: value } = LIMITS[name]
    expect(Number.isSafeInteger(min) && Number.isSafeInteger(max) && Number.isSafeInteger(value)).toBe(true)
    expect(min).toBeGreaterThan(0)
    expect(value).toBeGreaterThanOrEqual(min)
    expect(value).toBeLessThanOrEqual(max)
  })

  test('keep their relations by default', () => {
    expect(brokenRelations(DEFAULT_LIMITS)).toEqual([])
  })

  test('cannot be changed behind the back of others', () => {
    expect(Object.isFrozen(DEFAULT_LIMITS)).toBe(true)
  })

  test.each<[Partial<Limits>, LimitName, LimitName]>([
    [{ heartbeatMs: 30_001, silenceMs: 60_001 }, 'silenceMs', 'heartbeatMs'],
    [{ publishBurst: 49 }, 'publishBurst', 'publishesPerSecond'],
    [{ payloadBytesMax: 65_535 }, 'payloadBytesMax', 'frameBytesMax'],
    [{ queueBytesMax: 524_287 }, 'queueBytesMax', 'payloadBytesMax'],
  ])('tell with %j that %s and %s do not agree', (changed, first, second) => {
    const broken = brokenRelations({ ...DEFAULT_LIMITS, ...changed })
    expect(broken).toHaveLength(1)
    expect(broken[0]).toContain(first)
    expect(broken[0]).toContain(second)
  })

  test.each<Partial<Limits>>([
    { heartbeatMs: 30_000 },
    { publishBurst: 50 },
    { payloadBytesMax: 65_536 },
    { queueBytesMax: 524_288 },
  ])('agree at the bound with %j', (changed) => {
    expect(brokenRelations({ ...DEFAULT_LIMITS, ...changed })).toEqual([])
  })

  test('tell all that do not agree at once', () => {
    const none = Object.fromEntries(names.map((name) => [name, 1])) as unknown as Limits
    const broken = brokenRelations({ ...none, frameBytesMax: 2, publishesPerSecond: 2 })
    expect(broken).toHaveLength(4)
  })
})
