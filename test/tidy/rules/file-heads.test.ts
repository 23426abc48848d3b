import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { fileHeads } from './file-heads.ts'

test.each([
  ['nothing', 'export const a = 1\n'],
  ['an import first', "import { a } from './a.ts'\n// Owns a.\n"],
  ['only the doc of its first export', '/** The a. */\nexport const a = 1\n'],
  ['a head that is an essay', `${'// line\n'.repeat(9)}\nexport const a = 1\n`],
])('a file with %s has no head', (_, text) => {
  expect(fileHeads([sourceFile('gateway/src/a.ts', text)])).toHaveLength(1)
})

test.each([
  ['line comments', '// Owns a.\n// Never b.\nexport const a = 1\n'],
  ['a block', '/**\n * Owns a.\n */\n\n/** The a. */\nexport const a = 1\n'],
  ['a shebang before it', '#!/usr/bin/env node\n// Owns a.\nrun()\n'],
])('a head may be %s', (_, text) => {
  expect(fileHeads([sourceFile('gateway/src/a.ts', text)])).toEqual([])
})
