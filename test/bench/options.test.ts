import { expect, test } from 'vitest'
import { type BenchOptions, parseBenchOptions } from './options.ts'

function options(...args: string[]): BenchOptions {
  const parsed = parseBenchOptions(args)
  if (parsed.kind !== 'options') throw new Error(parsed.text)
  return parsed.options
}

const ids = (...args: string[]): string[] => options(...args).parts.map(({ id }) => id)

test('without options all usual parts run, with all peers, nothing gates, and the page of results is written', () => {
  const { parts, ...rest } = options()
  expect(parts.every(({ usual }) => usual)).toBe(true)
  expect(parts.map(({ id }) => id)).toEqual(expect.arrayContaining(['b1', 'b2', 'memory', 'recovery', 'inbound']))
  const unset = { sink: null, against: null, profiles: null, connections: null }
  expect(rest).toEqual({ whole: true, quick: false, json: false, gate: false, peers: true, ...unset })
})

test('parts are chosen by their names, and run in the order of the catalogue', () => {
  expect(ids('b2')).toEqual(['b2'])
  expect(ids('latency', 'b1')).toEqual(['b1', 'latency'])
  expect(options('b1').whole).toBe(false)
})

test('what takes a whole machine runs only when it is named', () => {
  expect(ids()).not.toContain('idle-100k')
  expect(ids('idle-100k')).toEqual(['idle-100k'])
})

test('a quick run writes no page and installs no peers', () => {
  expect(options('--quick')).toMatchObject({ quick: true, whole: false, peers: false })
  expect(options('--no-peers')).toMatchObject({ peers: false, whole: true })
})

test('paths become absolute', () => {
  expect(options('--against=other/main.ts').against).toMatch(/^\/.*other\/main\.ts$/)
})

test.each([
  ['b3'],
  ['--fast'],
  ['--sink=rust'],
  ['--connections=many'],
  ['--connections=100001'],
  ['--connections=599'],
])('%s is a mistake, and told with the help', (arg) => {
  expect(parseBenchOptions([arg])).toMatchObject({ kind: 'mistake', text: expect.stringContaining('--no-peers') })
})

test('help is given when asked for', () => {
  expect(parseBenchOptions(['--help'])).toMatchObject({ kind: 'help' })
})
