import { expect, test } from 'vitest'
import { parseDuration } from './duration.ts'
import { parseTokenRequest, type TokenRequest } from './token-request.ts'

function mistake(...argv: string[]): string {
  const request: TokenRequest = parseTokenRequest(argv)
  return request.kind === 'mistake' ? request.text : ''
}

test.each([
  ['90s', 90],
  ['30m', 1800],
  ['1h', 3600],
  ['7d', 604_800],
  ['-1h', -3600],
  ['0s', 0],
])('%s is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds)
})

test.each(['', '1', 'h', '1.5h', '1 h', '+1h', '--1h', '1w', '1h30m', '9999999s'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeNull()
})

test('a user alone gets a token for an hour without grants', () => {
  expect(parseTokenRequest(['alice'])).toEqual({
    kind: 'claims',
    claims: { user: 'alice', ttlSeconds: 3600, grants: {}, userClaim: 'sub' },
  })
})

test('lists are repeated or separated by commas', () => {
  const argv = [
    'alice',
    '--join=chat:*,lobby',
    '--join',
    'private:a',
    '--publish=chat:*',
    '--send=*',
    '--call=orders.*',
  ]
  expect(parseTokenRequest(argv)).toMatchObject({
    claims: {
      grants: { join: ['chat:*', 'lobby', 'private:a'], publish: ['chat:*'], send: ['*'], call: ['orders.*'] },
    },
  })
})

test('info, hidden, claim and a negative ttl are taken', () => {
  const argv = ['--info={"name":"Alice"}', '--hidden', '--claim=id', '--ttl=-1h', 'alice', '--rooms=chat:lobby']
  expect(parseTokenRequest(argv)).toMatchObject({
    claims: {
      userClaim: 'id',
      ttlSeconds: -3600,
      grants: { info: { name: 'Alice' }, hidden: true, rooms: ['chat:lobby'] },
    },
  })
})

test.each([
  [[], 'the user is missing'],
  [['alice', 'bob'], 'one user at a time'],
  [['~alice'], 'anonymous'],
  [['a*'], 'without *'],
  [['a'.repeat(129)], '128 bytes'],
  [['alice', '--ttl=5'], "not '5'"],
  [['alice', '--join=*'], "'*' is no room pattern"],
  [['alice', '--publish=:*'], "':*' is no room pattern"],
  [['alice', '--info=x'], "not 'x'"],
  [['alice', `--info="${'x'.repeat(300)}"`], '302 bytes'],
  [['alice', '--joni=x'], '--joni is unknown'],
  [['alice', '--join'], '--join needs a value'],
  [['alice', '--hidden=1'], '--hidden takes no value'],
])('%j is a mistake: %s', (argv, sentence) => {
  expect(mistake(...argv)).toContain(sentence)
})

test('all mistakes are told together', () => {
  const text = mistake('--ttl=x', '--what')
  for (const part of ['--ttl', '--what', 'user']) expect(text).toContain(part)
})
