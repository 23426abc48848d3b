import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { citations, clauseNumbers } from './clauses.ts'

// Put together here, so that this file cites nothing itself.
const cited = (number: string): string => `[P${'-'}${number}]`

const page = sourceFile(
  'PROTOCOL.md',
  `## 4. Frames\n\n**P-4.1** One.\n\n- ${cited('4.2')} Two, see ${cited('4.1')}.\n\n### 4.3 Three\n\nFour.\n`,
)

test('a clause that does not exist cannot be cited', () => {
  const file = sourceFile('gateway/src/a.ts', `\n// ${cited('4.4')}\n`)
  expect(citations([page, file]).map(({ path, line }) => `${path}:${line}`)).toEqual(['gateway/src/a.ts:2'])
})

test.each(['4', '4.1', '4.2', '4.3'])('clause %s can be cited', (number) => {
  expect(citations([page, sourceFile('gateway/src/a.test.ts', `// ${cited(number)}\n`)])).toEqual([])
})

test('a number stands for one clause', () => {
  const twice = sourceFile('PROTOCOL.md', '**P-4.1** One.\n\n**P-4.1** Two.\n')
  expect(clauseNumbers([page])).toEqual([])
  expect(clauseNumbers([twice]).map(({ line }) => line)).toEqual([3])
})
