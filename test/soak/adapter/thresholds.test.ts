import { expect, test } from 'vitest'
import { holds, parseThreshold } from './thresholds.ts'

test.each([
  ['count==0', 'count', '==', 0],
  ['count===0', 'count', '===', 0],
  ['rate>0.99', 'rate', '>', 0.99],
  ['rate >= 0.99', 'rate', '>=', 0.99],
  [' avg<=1e3 ', 'avg', '<=', 1000],
  ['value!=-1', 'value', '!=', -1],
])('%s is read', (source, aggregation, operator, limit) => {
  expect(parseThreshold(source)).toEqual({ source, aggregation, operator, limit })
})

test.each([
  ['p(95)<200', 95],
  ['p(99.9) < 200', 99.9],
])('%s is a percentile', (source, percentile) => {
  expect(parseThreshold(source)).toMatchObject({ aggregation: { percentile }, operator: '<', limit: 200 })
})

test.each(['', 'count', 'count==', 'count=0', 'p(101)<1', 'p95<1', 'mean<1', 'count<x', '<1'])(
  '“%s” is refused',
  (source) => {
    expect(() => parseThreshold(source)).toThrow(TypeError)
  },
)

test('what would end a run early is refused, as it is not offered', () => {
  expect(() => parseThreshold({ threshold: 'count==0', abortOnFail: true })).toThrow(/abortOnFail/)
})

test.each([
  ['count<5', [4], [5, 6]],
  ['count<=5', [4, 5], [6]],
  ['count>5', [6], [4, 5]],
  ['count>=5', [5, 6], [4]],
  ['count==5', [5], [4, 6]],
  ['count!=5', [4, 6], [5]],
])('%s holds for %j and not for %j', (source, kept, broken) => {
  const threshold = parseThreshold(source)
  for (const value of kept) expect(holds(threshold, value)).toBe(true)
  for (const value of broken) expect(holds(threshold, value)).toBe(false)
})
