// The suite against our own gateways: real processes with the example configuration, in both encodings. Everything that is offered holds.
import { describe, expect } from 'vitest'
import { serve } from '../harness/service.ts'
import { test } from '../harness/stage.ts'
import { CHECKS } from './check-list.ts'
import { clausesOf, readProtocol } from './clauses.ts'
import { describe as described, exampleOptions, startBackend } from './installation.ts'
import { type ClauseResult, clauseResults, exitCodeOf, reportText } from './report.ts'
import { type Result, runSuite } from './suite.ts'

/** Features that the checks know and our gateways do not offer yet. */
const NOT_OFFERED: readonly string[] = []

const clauses = clausesOf(readProtocol())

function failedIn(results: readonly Result[]): string[] {
  return [...new Set(results.filter(({ outcome }) => outcome.kind === 'failed').map(({ check }) => check.name))]
}

function standing(results: readonly Result[], kind: ClauseResult['kind']): string[] {
  return clauseResults(results, clauses)
    .filter((result) => result.kind === kind)
    .map(({ clause }) => clause)
}

describe('our own gateways', () => {
  test('conform in both encodings', { timeout: 240_000 }, async ({ stage }) => {
    const nats = await startBackend(stage)
    const [one, two] = [await stage.gateway(nats, exampleOptions()), await stage.gateway(nats, exampleOptions())]
    const target = described([one.url, two.url], nats)
    const results = await runSuite({ target, checks: CHECKS, encodings: ['json', 'msgpack'] })
    const text = reportText(results, clauses, true)
    expect(failedIn(results), text).toEqual([])
    expect(exitCodeOf(results)).toBe(0)
    const missing = results.flatMap(({ outcome }) => (outcome.kind === 'not offered' ? outcome.features : []))
    expect([...new Set(missing)].sort(), text).toEqual(NOT_OFFERED)
    // What needs another kind of server is tried below.
    expect(standing(results, 'not run'), text).toEqual(['3.7', '3.10', '19.10'])
    expect(standing(results, 'not checked'), text).toEqual([])
  })

  test('conform where whoever has no token is let in', { timeout: 120_000 }, async ({ stage }) => {
    const nats = await stage.nats()
    // Without presence, so that no router is needed.
    const namespaces = { default: { join: { who: 'anyone' }, publish: { who: 'anyone' } }, granted: {} }
    const gateway = await stage.gateway(nats, exampleOptions({ auth: { anonymous: true }, namespaces }))
    const only = ['2.6', '3.4', '3.7', '3.8']
    const results = await runSuite({
      target: described([gateway.url], null),
      checks: CHECKS,
      encodings: ['json'],
      only,
    })
    expect(failedIn(results), reportText(results, only, true)).toEqual([])
    expect(standing(results, 'passed')).toContain('3.7')
  })

  test('conform where inboxes keep a history', { timeout: 120_000 }, async ({ stage }) => {
    const env = { SLUICE_INBOX: '{"history":{"messages":100,"seconds":3600}}' }
    const nats = await startBackend(stage, env)
    const gateway = await stage.gateway(nats, { ...exampleOptions(), env })
    const target = described([gateway.url], nats)
    const only = ['16.12']
    const results = await runSuite({ target, checks: CHECKS, encodings: ['json', 'msgpack'], only })
    expect(failedIn(results), reportText(results, only, true)).toEqual([])
    expect(standing(results, 'passed')).toEqual(only)
  })

  test('conform where a service decides who connects', { timeout: 120_000 }, async ({ stage }) => {
    const nats = await stage.nats()
    await serve(await nats.connect(), 'sluice.authorize.connect', (question) =>
      question.json<{ user: string }>().user.endsWith('-asked') ? undefined : '{"allow":true}',
    )
    const namespaces = { default: { join: { who: 'anyone' }, publish: { who: 'anyone' } } }
    const gateway = await stage.gateway(nats, exampleOptions({ auth: { service: true }, namespaces }))
    const target = described([gateway.url], nats)
    const only = ['19.10']
    const results = await runSuite({ target, checks: CHECKS, encodings: ['json', 'msgpack'], only })
    expect(failedIn(results), reportText(results, only, true)).toEqual([])
    expect(standing(results, 'passed')).toEqual(only)
  })

  test('conform in local mode', { timeout: 120_000 }, async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { env: { SLUICE_LOCAL: 'true' } })
    const results = await runSuite({
      target: described([gateway.url], null),
      checks: CHECKS,
      encodings: ['json'],
      only: ['3.10'],
    })
    expect(results.map(({ outcome }) => outcome)).toEqual([{ kind: 'passed' }])
  })
})
