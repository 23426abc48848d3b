// The module `k6`, as far as the scripts use it.
import { metrics } from '../run-context.ts'

/** Runs named tests on a value; each counts into the rate `checks`. Tags are not offered. */
export function check<value>(value: value, tests: Readonly<Record<string, (value: value) => boolean>>): boolean {
  const checks = metrics.metric('checks', 'rate')
  return Object.values(tests)
    .map((test) => {
      const passed = test(value)
      checks.add(passed)
      return passed
    })
    .every(Boolean)
}
