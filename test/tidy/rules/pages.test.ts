import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { architectureLength, machineWords } from './pages.ts'

test('ARCHITECTURE.md is there and has at most 200 lines', () => {
  expect(architectureLength([])).toHaveLength(1)
  expect(architectureLength([sourceFile('ARCHITECTURE.md', 'a\n'.repeat(201))])).toHaveLength(1)
  expect(architectureLength([sourceFile('ARCHITECTURE.md', 'a\n'.repeat(200))])).toEqual([])
})

test.each([
  ['a', 'root', 'go/bin'],
  ['a', 'work', 'main'],
  ['a', 'home', 'me', 'sluice'],
  ['http:', '', 'registry.example.org', 'x'],
  ['https:', '', 'npm.example.org:4873', 'x'],
])('the words of a machine are offences: %s', (...parts) => {
  const text = `x\n${parts.join('/').replace(/^a/, '')}\n`
  expect(machineWords([sourceFile('package-lock.json', text)]).map(({ line }) => line)).toEqual([2])
})

test('the public registry and paths of the repository are not', () => {
  const text = 'https://registry.npmjs.org/ws/-/ws-8.0.0.tgz node_modules/work/x frame/root/x https://www.npmjs.com/'
  expect(machineWords([sourceFile('package-lock.json', text)])).toEqual([])
})
