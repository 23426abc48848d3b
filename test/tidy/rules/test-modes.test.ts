import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { focusedTests, silentSkips } from './test-modes.ts'

test.each(["test.only('a', f)", "describe.only('a', f)", "test.concurrent.only('a', f)", "it.only.each([])('a', f)"])(
  '%s is focused',
  (text) => {
    expect(focusedTests([sourceFile('a.test.ts', `\n${text}\n`)]).map(({ line }) => line)).toEqual([2])
  },
)

test.each(["test.skip('a', f)", "describe.skipIf(x)('a', f)", "test.runIf(x)('a', f)", "test.todo('a')", 'skip()'])(
  '%s says no reason',
  (text) => {
    expect(silentSkips([sourceFile('a.test.ts', `\n${text}\n`)]).map(({ line }) => line)).toEqual([2])
  },
)

test('a skip with its reason is fine', () => {
  const text = "test('a', ({ skip }) => {\n  skip(chromium === null, 'no Chromium on this machine')\n})\n"
  expect(silentSkips([sourceFile('a.test.ts', text)])).toEqual([])
  expect(focusedTests([sourceFile('a.test.ts', text)])).toEqual([])
})
