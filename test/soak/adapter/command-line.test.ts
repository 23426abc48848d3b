import { expect, test } from 'vitest'
import { parseCommand, scriptNames } from './command-line.ts'

test('the scripts are those of the folder', () => {
  expect(scriptNames()).toEqual(['broadcast', 'churn', 'presence', 'steady', 'storm'])
})

test('options become the variables that k6 would be given', () => {
  const args = [
    'steady',
    '--url',
    'ws://a/ws',
    '--duration=20s',
    '--vus',
    '7',
    '--rate=2',
    '-e',
    'SOAK_SECRET=a=b',
    '--summary',
    's.json',
  ]
  expect(parseCommand(args)).toMatchObject({
    kind: 'command',
    command: {
      name: 'steady',
      env: { SOAK_URL: 'ws://a/ws', SOAK_DURATION: '20s', SOAK_VUS: '7', SOAK_RATE: '2', SOAK_SECRET: 'a=b' },
      summary: 's.json',
    },
  })
})

test.each([[[]], [['nothing']], [['steady', 'storm']], [['steady', '--users=3']], [['steady', '-e', 'NAME']]])(
  '%j is a mistake, told with the help',
  (args) => {
    const parsed = parseCommand(args)
    expect(parsed.kind).toBe('mistake')
    expect(parsed).toHaveProperty('text', expect.stringContaining('npm run soak'))
  },
)

test('help is asked for', () => {
  expect(parseCommand(['--help']).kind).toBe('help')
})
