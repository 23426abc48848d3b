import { expect, test } from 'vitest'
import { type BenchOptions, parseBenchOptions } from './options.ts'

function options(...args: string[]): BenchOptions {
  const parsed = parseBenchOptions(args)
  if (parsed.kind !== 'options') throw new Error(parsed.text)
  return parsed.options
}

test('without options all scenarios run, and nothing gates', () => {
  const { scenarios, ...rest } = options()
  expect(scenarios.map(({ id }) => id)).toEqual(['b1', 'b2'])
  expect(rest).toEqual({ quick: false, json: false, gate: false, against: null, profiles: null })
})

test('scenarios are chosen by a list', () => {
  expect(options('--scenario=b2').scenarios.map(({ id }) => id)).toEqual(['b2'])
  expect(options('--scenario=b2,b1').scenarios.map(({ id }) => id)).toEqual(['b1', 'b2'])
})

test('paths become absolute', () => {
  expect(options('--against=other/main.ts').against).toMatch(/^\/.*other\/main\.ts$/)
})

test.each([['--scenario=b3'], ['--fast'], ['b1']])('%s is a mistake, and told with the help', (arg) => {
  expect(parseBenchOptions([arg])).toMatchObject({ kind: 'mistake', text: expect.stringContaining('--scenario') })
})

test('help is given when asked for', () => {
  expect(parseBenchOptions(['--help'])).toMatchObject({ kind: 'help' })
})
