import { expect, test } from 'vitest'
import { type Options, type ParsedOptions, parseOptions } from './options.ts'

function options(...argv: string[]): Options {
  const parsed = parseOptions(argv, '/repository')
  if (parsed.kind !== 'options') throw new Error(`no options: ${JSON.stringify(parsed)}`)
  return parsed.options
}

function mistake(...argv: string[]): string {
  const parsed: ParsedOptions = parseOptions(argv, '/repository')
  return parsed.kind === 'mistake' ? parsed.text : ''
}

test('without options the documented defaults hold', () => {
  expect(options()).toEqual({
    gateways: 2,
    port: 8080,
    adminPort: 9080,
    routerAdminPort: 9090,
    natsPort: 4222,
    natsMonitorPort: 8222,
    state: '/repository/.sluice',
    config: '/repository/deploy/local/sluice.json',
    verbose: false,
  })
})

test('every option changes its setting, with = or with a space', () => {
  const changed = options(
    '--gateways=3',
    '--port',
    '18080',
    '--admin-port=19080',
    '--router-admin-port=19091',
    '--nats-port=14222',
    '--nats-monitor-port=18222',
    '--state=/tmp/state',
    '--config=mine.json',
    '--verbose',
  )
  expect(changed).toEqual({
    gateways: 3,
    port: 18080,
    adminPort: 19080,
    routerAdminPort: 19091,
    natsPort: 14222,
    natsMonitorPort: 18222,
    state: '/tmp/state',
    config: '/repository/mine.json',
    verbose: true,
  })
})

test.each([
  [['--prot=1'], '--prot is unknown'],
  [['-p'], '-p is unknown'],
  [['8080'], "'8080' is no option"],
  [['--port'], '--port needs a value'],
  [['--port='], '--port needs a value'],
  [['--port=0'], '--port is a whole number from 1 to 65535'],
  [['--port=65536'], '--port is a whole number from 1 to 65535'],
  [['--port=80a'], "not '80a'"],
  [['--port=1e3'], "not '1e3'"],
  [['--gateways=0'], '--gateways is a whole number from 1 to 16'],
  [['--gateways=17'], '--gateways is a whole number from 1 to 16'],
  [['--verbose=yes'], '--verbose takes no value'],
  [['--no-verbose'], '--no-verbose is unknown'],
])('%j is a mistake: %s', (argv, sentence) => {
  expect(mistake(...argv)).toContain(sentence)
})

test('all mistakes are told together', () => {
  const text = mistake('--what', '--port=x', '--gateways=99')
  expect(text).toContain('--what')
  expect(text).toContain('--port')
  expect(text).toContain('--gateways')
})

test('--help names every option', () => {
  const parsed = parseOptions(['--help'], '/repository')
  expect(parsed.kind).toBe('help')
  const names = [
    'gateways',
    'port',
    'admin-port',
    'router-admin-port',
    'nats-port',
    'nats-monitor-port',
    'state',
    'config',
    'verbose',
  ]
  for (const name of names) expect(parsed).toHaveProperty('text', expect.stringContaining(`--${name}`))
})
