import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { importCycles } from './import-cycles.ts'

test('a cycle over three files is found once, with its path', () => {
  const offences = importCycles([
    sourceFile('a/a.ts', "import { b } from './b.ts'\n"),
    sourceFile('a/b.ts', "import { x } from 'x'\nimport type { c } from './c.ts'\n"),
    sourceFile('a/c.ts', "import { a } from './a.ts'\n"),
  ])
  expect(offences.map(({ path, line, what }) => ({ path, line, what }))).toEqual([
    { path: 'a/c.ts', line: 1, what: 'closes the cycle a/a.ts -> a/b.ts -> a/c.ts -> a/a.ts' },
  ])
})

test('a diamond is no cycle', () => {
  const offences = importCycles([
    sourceFile('a/a.ts', "import { b } from './b.ts'\nimport { c } from './c.ts'\n"),
    sourceFile('a/b.ts', "import { d } from './d.ts'\n"),
    sourceFile('a/c.ts', "import { d } from './d.ts'\n"),
    sourceFile('a/d.ts', 'export const d = 1\n'),
  ])
  expect(offences).toEqual([])
})
