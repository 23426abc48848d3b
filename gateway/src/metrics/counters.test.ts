import { Tally } from '@sluice/service/metrics/tally'
import { expect, test } from 'vitest'
import { createCounters } from './counters.ts'

test('counters begin with zero', () => {
  for (const [name, counter] of Object.entries(createCounters())) {
    expect(counter instanceof Tally ? counter.total : counter, name).toBe(0)
  }
})
