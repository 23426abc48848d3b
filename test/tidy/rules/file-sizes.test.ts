import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { fileSizes, fileSizeWarnings } from './file-sizes.ts'

test.each([
  { lines: 300, warned: 0, failed: 0 },
  { lines: 301, warned: 1, failed: 0 },
  { lines: 400, warned: 1, failed: 0 },
  { lines: 401, warned: 0, failed: 1 },
])('a file of $lines lines gives $warned warnings and $failed failures', ({ lines, warned, failed }) => {
  const files = [sourceFile('gateway/src/a.ts', 'a\n'.repeat(lines))]
  expect(fileSizeWarnings(files)).toHaveLength(warned)
  expect(fileSizes(files)).toHaveLength(failed)
})

test('pages and data may be long', () => {
  const long = 'a\n'.repeat(1000)
  expect(fileSizes([sourceFile('PROTOCOL.md', long), sourceFile('proto/vectors/1/names.json', long)])).toEqual([])
})
