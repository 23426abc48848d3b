import { expect, test } from 'vitest'
import { withShownInfo } from './shown-info.ts'

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let at = 0; at < depth; at++) value = [value]
  return value
}

test.each<[string, () => unknown, boolean]>([
  ['an object', () => ({ name: 'Ann' }), true],
  ['null', () => null, true],
  ['256 bytes', () => 'x'.repeat(254), true],
  ['257 bytes', () => 'x'.repeat(255), false],
  ['what is nested deeper than any stack', () => nested(100_000), false],
])('info that is %s is shown: %s', (_, make, shown) => {
  const info = make()
  const [member] = withShownInfo([{ user: 'ann', info, connections: 1 }])
  expect(member).toEqual(shown ? { user: 'ann', info, connections: 1 } : { user: 'ann', connections: 1 })
})
