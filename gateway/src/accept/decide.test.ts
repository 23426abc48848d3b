import { describe, expect, test } from 'vitest'
import { type AcceptRules, type AcceptState, decideUpgrade, type UpgradeDecision } from './decide.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

const REQUEST: UpgradeRequest = {
  path: '/ws',
  origin: null,
  token: 'abc',
  subprotocol: 'sluice.v1.json',
  deflate: null,
}
const STATE: AcceptState = { draining: false, shortage: null, connections: 0, unauthenticated: 0, addressWaitMs: 0 }
const RULES: AcceptRules = {
  path: '/ws',
  origins: ['https://app.example.com'],
  connectionsMax: 10,
  unauthenticatedMax: 5,
  anonymous: false,
  local: false,
  compression: false,
}

const decide = (
  request: Partial<UpgradeRequest> = {},
  state: Partial<AcceptState> = {},
  rules: Partial<AcceptRules> = {},
): UpgradeDecision => decideUpgrade({ ...REQUEST, ...request }, { ...STATE, ...state }, { ...RULES, ...rules })

const said = (decision: UpgradeDecision): string => {
  if (decision.kind === 'echo') return 'echo'
  if (decision.kind === 'accept')
    return typeof decision.sign === 'string' ? decision.sign : `token ${decision.sign.token}`
  return `${decision.status} ${decision.reason} ${decision.retryAfterMs}`
}

describe('an upgrade', () => {
  test.each<[Partial<UpgradeRequest>, Partial<AcceptRules>, string]>([
    [{}, {}, 'token abc'],
    [{ token: '' }, {}, 'token '],
    [{ token: null }, {}, 'by-frame'],
    [{ token: null }, { anonymous: true }, 'anonymously'],
    [{ token: 'abc' }, { anonymous: true }, 'token abc'],
    [{ origin: 'https://app.example.com' }, {}, 'token abc'],
    [{ origin: 'https://other' }, { origins: ['*'] }, 'token abc'],
    [{ path: '/' }, { local: true }, 'token abc'],
    [{ path: '/', token: null }, { local: true }, 'anonymously'],
    [{ path: '/ws', token: null }, { local: true }, 'by-frame'],
    [{ path: '/echo', token: null, subprotocol: null }, { local: true }, 'echo'],
  ])('%j under %j is accepted: %s', (request, rules, expected) => {
    expect(said(decide(request, {}, rules))).toBe(expected)
  })

  test.each<[string, Partial<UpgradeRequest>, Partial<AcceptState>, string]>([
    ['another path', { path: '/wss' }, {}, '404 path null'],
    ['/ outside of local mode', { path: '/' }, {}, '404 path null'],
    ['/echo outside of local mode', { path: '/echo' }, {}, '404 path null'],
    ['another origin', { origin: 'https://evil.example.com' }, {}, '403 origin null'],
    ['an origin that only begins alike', { origin: 'https://app.example.com.evil' }, {}, '403 origin null'],
    ['the origin null', { origin: 'null' }, {}, '403 origin null'],
    ['a gateway that drains', {}, { draining: true }, '503 draining 2000'],
    ['an event loop that is late', {}, { shortage: 'event_loop' }, '503 event_loop 5000'],
    ['a heap that is nearly full', {}, { shortage: 'heap' }, '503 heap 5000'],
    ['a full gateway', {}, { connections: 10 }, '503 full 2000'],
    ['too many not signed in', {}, { unauthenticated: 5 }, '503 unauthenticated 2000'],
    ['an address that is too quick', {}, { addressWaitMs: 700 }, '429 address_rate 700'],
    ['only unknown subprotocols', { subprotocol: null }, {}, '400 subprotocol null'],
  ])('is refused for %s', (_, request, state, expected) => {
    expect(said(decide(request, state))).toBe(expected)
  })

  test('is let in up to the caps', () => {
    expect(said(decide({}, { connections: 9, unauthenticated: 4 }))).toBe('token abc')
  })

  test('of a browser is refused where no origin is allowed, other programs are not', () => {
    expect(said(decide({ origin: 'https://app.example.com' }, {}, { origins: [] }))).toBe('403 origin null')
    expect(said(decide({ origin: null }, {}, { origins: [] }))).toBe('token abc')
  })

  test('with every fault is refused for the first of them', () => {
    const request = { path: '/x', origin: 'https://x', subprotocol: null }
    const state: AcceptState = {
      draining: true,
      shortage: 'memory',
      connections: 10,
      unauthenticated: 5,
      addressWaitMs: 1,
    }
    const order: string[] = []
    const mend: [Partial<UpgradeRequest>, Partial<AcceptState>][] = [
      [{ path: '/ws' }, {}],
      [{ origin: null }, {}],
      [{}, { draining: false }],
      [{}, { shortage: null }],
      [{}, { connections: 0 }],
      [{}, { unauthenticated: 0 }],
      [{}, { addressWaitMs: 0 }],
      [{ subprotocol: 'sluice.v1.json' }, {}],
    ]
    let [facts, now]: [Partial<UpgradeRequest>, Partial<AcceptState>] = [request, state]
    for (const [better, calmer] of mend) {
      order.push(said(decide(facts, now)).split(' ')[1] ?? '')
      facts = { ...facts, ...better }
      now = { ...now, ...calmer }
    }
    expect(order).toEqual([
      'path',
      'origin',
      'draining',
      'memory',
      'full',
      'unauthenticated',
      'address_rate',
      'subprotocol',
    ])
    expect(said(decide(facts, now))).toBe('token abc')
  })
})
