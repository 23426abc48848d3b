import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { compare } from './code-tables.ts'

const close = { kind: 'close code', names: ['1000', '1001', '4000'], form: /^\d{4}$/ }
const error = { kind: 'error code', names: ['bad_request', 'timeout'], form: /^[a-z]+(_[a-z]+)*$/ }

const page = `# Protocol

| type | fields |
| --- | --- |
| \`auth\` | token |

| code | name | client |
| --- | --- | --- |
| 1000, 1001 | normal | as asked |
| 4000 | bad frame | stop |
| unknown | | back off |

| code | meaning |
| --- | --- |
| \`bad_request\` | malformed |
| \`timeout\` | late |
`

function whats(text: string, codes: typeof close): string[] {
  return compare([sourceFile('PROTOCOL.md', text)], codes).map(({ line, what }) => `${line}: ${what}`)
}

test('a page with one row for each code is fine', () => {
  expect(whats(page, close)).toEqual([])
  expect(whats(page, error)).toEqual([])
})

test('a code without a row is an offence', () => {
  expect(whats(page.replace('| 4000 | bad frame | stop |\n', ''), close)).toEqual(['1: lacks the close code 4000'])
  expect(whats(page.replace('| `timeout` | late |\n', ''), error)).toEqual(['1: lacks the error code timeout'])
})

test('a second row for a code is an offence', () => {
  expect(whats(page.replace('| 4000 |', '| 1001, 4000 |'), close)).toEqual(['10: has the close code 1001 again'])
})

test('a row for what is no code is an offence', () => {
  expect(whats(page.replace('| 4000 |', '| 4000, 4999 |'), close)).toEqual(['10: has the close code 4999'])
  expect(whats(page.replace('late |\n', 'late |\n| `oops` | |\n'), error)).toEqual(['17: has the error code oops'])
})

test('a page that is missing lacks everything', () => {
  expect(compare([], close)).toHaveLength(3)
})
