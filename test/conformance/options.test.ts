// What can be tried of the suite without a server: options, tokens, raw JSON, and how results become a report.
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { jsonMember } from './json-member.ts'
import { parseOptions } from './options.ts'
import { clauseResults } from './report.ts'
import { tokenOf } from './subject-token.ts'
import type { Result } from './suite.ts'
import { forged } from './tokens.ts'
import { nameTokens } from './vectors.ts'

const file = join(tmpdir(), `sluice-conformance-${process.pid}.secret`)
writeFileSync(file, 'a secret of thirty-two characters\n')
afterAll(() => rmSync(file))
const least = ['--url', 'ws://localhost/ws', '--secret-file', file]

function options(...args: string[]) {
  const parsed = parseOptions([...least, ...args])
  if (parsed.kind !== 'options') throw new Error(parsed.text)
  return parsed.options
}

test('an address and a way to make tokens are all that is needed', () => {
  const { target, encodings, quick, only } = options()
  expect({ encodings, quick, only }).toEqual({ encodings: ['json', 'msgpack'], quick: false, only: undefined })
  expect(target).toMatchObject({ urls: ['ws://localhost/ws'], nats: null, signInMs: 10_000, userConnectionsMax: 32 })
  expect(target.namespaces).toMatchObject({ open: 'open', history: 'history' })
})

test('namespaces are named by their parts, or left out', () => {
  const { namespaces } = options('--namespaces', 'open=chat,small=').target
  expect(namespaces).toMatchObject({ open: 'chat', small: null, granted: 'granted' })
})

test('clauses may be chosen', () => {
  expect(options('--only', 'P-5.2,6.1').only).toEqual(['5.2', '6.1'])
})

test.each([
  ['no address', ['--secret-file', file]],
  ['an address that is none', ['--url', 'http://localhost', '--secret-file', file]],
  ['no tokens', ['--url', 'ws://localhost/ws']],
  ['both ways to make tokens', [...least, '--token-command', 'true']],
  ['a part that no namespace plays', [...least, '--namespaces', 'chat=chat']],
  ['a number that is none', [...least, '--linger-ms', 'long']],
  ['an option that there is not', [...least, '--fast']],
  ['a clause that is none', [...least, '--only', '5']],
])('%s is a mistake', (_, args) => {
  expect(parseOptions(args)).toMatchObject({ kind: 'mistake' })
})

test('a command makes tokens in place of a secret', async () => {
  const command = ['--url', 'ws://localhost/ws', '--token-command', "printf '%s|%s|%s'"]
  const parsed = parseOptions(command)
  if (parsed.kind !== 'options') throw new Error(parsed.text)
  const { issuer } = parsed.options.target
  expect(await issuer.token('an "ann"', { grants: { send: ['*'] }, ttlSeconds: -1 })).toBe('an "ann"|{"send":["*"]}|-1')
  expect(issuer.sign).toBeNull()
})

test('a forged token differs in its signature alone', async () => {
  const token = await options().target.issuer.token('ann')
  expect(forged(token)).not.toBe(token)
  expect(forged(token).split('.').slice(0, 2)).toEqual(token.split('.').slice(0, 2))
})

test('a member of a JSON text is found as it is written', () => {
  const text = ' {"a": [1,"}"] , "data" :\t{"b" : "\\"data\\":1"}\n,"c":1E400}'
  expect(jsonMember(text, 'data')).toBe('{"b" : "\\"data\\":1"}')
  expect(jsonMember(text, 'a')).toBe('[1,"}"]')
  expect(jsonMember(text, 'c')).toBe('1E400')
  expect(jsonMember('{"data":1,"data":2}', 'data')).toBe('2')
  expect(jsonMember('{}', 'data')).toBeNull()
})

test('names become the tokens of the vectors', () => {
  for (const { name, token } of nameTokens.accepted) expect(tokenOf(name)).toBe(token)
})

test('a clause stands as the worst of its checks, and one that nothing holds is told', () => {
  const check = (clause: string) => ({ clauses: [clause], name: 'x', run: async () => undefined })
  const result = (clause: string, outcome: Result['outcome']): Result => ({
    check: check(clause),
    encoding: 'json',
    outcome,
    ms: 0,
  })
  const results = [
    result('5.1', { kind: 'passed' }),
    result('5.1', { kind: 'failed', expected: 'a', came: 'b' }),
    result('5.2', { kind: 'not offered', features: ['presence'] }),
    result('5.2', { kind: 'passed' }),
    result('5.3', { kind: 'not run', reason: 'no' }),
  ]
  const kinds = clauseResults(results, ['5.1', '5.2', '5.3', '11.2', '99.9']).map(({ kind }) => kind)
  expect(kinds).toEqual(['failed', 'passed', 'not run', 'not observable', 'not checked'])
})
