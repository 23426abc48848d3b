// Dashboard, alerts and runbooks against the metrics that exist, and each alert against Prometheus' own rule tester.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { metricTable as gatewayMetrics } from '../../gateway/src/metrics/metric-table.ts'
import { metricTable as routerMetrics } from '../../router/src/metrics/metric-table.ts'
import { NO_HELM, NO_PROMTOOL, promtool, render } from './helm.ts'
import { alertQueries, alerts, dashboardQueries, groupedBy, namedIn } from './queries.ts'
import { at, ofKind } from './release.ts'

const RULE_TESTS = resolve(import.meta.dirname, 'alert-cases.yaml')
const RUNBOOKS = readFileSync(resolve(import.meta.dirname, '../../deploy/runbooks.md'), 'utf8')

const labelsOf = new Map([...gatewayMetrics, ...routerMetrics].map(({ name, labels }) => [name, labels]))
/** What Prometheus adds from where it found the pod. */
const TARGET_LABELS = ['namespace', 'pod']
const ALL = [...alertQueries(), ...dashboardQueries()]

describe('the queries of alerts and dashboard', () => {
  test('name only metrics that exist, with labels that they have', () => {
    for (const { of, expr } of ALL) {
      const named = namedIn(expr)
      expect(named.length, of).toBeGreaterThan(0)
      for (const { metric, labels } of named) {
        expect([...labelsOf.keys()], of).toContain(metric)
        expect(
          labels.filter((label) => ![...TARGET_LABELS, ...(labelsOf.get(metric) ?? [])].includes(label)),
          of,
        ).toEqual([])
      }
    }
  })

  test('group by labels that one of their metrics has', () => {
    for (const { of, expr } of ALL) {
      const known = [...TARGET_LABELS, ...namedIn(expr).flatMap(({ metric }) => labelsOf.get(metric) ?? [])]
      expect(
        groupedBy(expr).filter((label) => !known.includes(label)),
        of,
      ).toEqual([])
    }
  })

  test('use counters as rates, and gauges as they are', () => {
    for (const { of, expr } of ALL)
      for (const [, call = '', metric = ''] of expr.matchAll(/(\w+)\(((?:sluice|process)_\w+)/g))
        expect(['rate', 'increase'].includes(call), `${metric} in ${of}`).toBe(metric.endsWith('_total'))
  })

  test('look at one namespace where they are asked to', () => {
    for (const { of, expr } of ALL) for (const { labels } of namedIn(expr)) expect(labels[0], of).toBe('namespace')
  })

  test('show every metric at least once', () => {
    const shown = new Set(ALL.flatMap(({ expr }) => namedIn(expr).map(({ metric }) => metric)))
    const hidden = [...labelsOf.keys()].filter((name) => !shown.has(name))
    // Details for a look by hand: of three forms of one delay the middle one is shown, and a start is seen in the logs.
    expect(
      hidden.filter((name) => !/_event_loop_delay_(p50|max)_seconds$|^process_start_time_seconds$/.test(name)),
    ).toEqual([])
  })
})

describe('each alert', () => {
  test('has a section in the runbooks, and each section an alert', () => {
    const sections = [...RUNBOOKS.matchAll(/^### (\w+)\n\n(.+)/gm)].map(([, name = '']) => name)
    expect(sections).toEqual([...new Set(sections)])
    expect([...sections].sort()).toEqual(
      alerts()
        .map(({ alert }) => alert)
        .sort(),
    )
    for (const { alert, annotations } of alerts())
      expect(annotations.runbook_url).toBe(`deploy/runbooks.md#${alert.toLowerCase()}`)
  })

  test('is critical or a warning', () => {
    expect(new Set(alerts().map(({ labels }) => labels.severity))).toEqual(new Set(['critical', 'warning']))
  })

  test('fires once in a test of its own, and not before its time', ({ skip }) => {
    skip(NO_PROMTOOL !== undefined, NO_PROMTOOL)
    const { tests } = parse(readFileSync(RULE_TESTS, 'utf8')) as {
      tests: { name: string; alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    expect(tests.map(({ name }) => name).sort()).toEqual(
      alerts()
        .map(({ alert }) => alert)
        .sort(),
    )
    for (const { name, alert_rule_test: cases } of tests)
      expect(cases.map(({ alertname, exp_alerts }) => [alertname, exp_alerts.length])).toEqual([
        [name, 0],
        [name, 1],
      ])
    const { ok, output } = promtool('test', 'rules', RULE_TESTS)
    expect(ok, output).toBe(true)
  })

  test('and each query of the dashboard is read by Prometheus', ({ skip }) => {
    skip(NO_PROMTOOL !== undefined, NO_PROMTOOL)
    const folder = mkdtempSync(join(tmpdir(), 'sluice-queries-'))
    const rules = ALL.map(({ expr }, index) => ({ record: `query:${index}`, expr }))
    const path = join(folder, 'queries.yaml')
    writeFileSync(path, stringify({ groups: [{ name: 'queries', rules }] }))
    const { ok, output } = promtool('check', 'rules', '--lint=none', path)
    rmSync(folder, { recursive: true })
    expect(ok, output).toBe(true)
  })
})

describe('in the cluster', () => {
  const rulesOf = (set: string, ...flags: string[]): string =>
    JSON.stringify(
      at(ofKind(render(set, '--set=monitoring.prometheusRule.enabled=true', ...flags), 'PrometheusRule')[0], 'spec'),
    )

  test('alerts look at their own namespace and lead to the runbooks that are configured', ({ skip }) => {
    skip(NO_HELM !== undefined, NO_HELM)
    const rules = rulesOf('full')
    expect(rules).not.toContain('namespace=~')
    expect(rules).toContain('absent(sluice_gateway_ready{namespace=\\"realtime\\"})')
    expect(rules).toContain('https://wiki.example.com/sluice#sluicegatewaysgone')
    expect(rules.match(/"alert":/g)).toHaveLength(alerts().length)
  })

  test('nobody misses routers that are not wanted', ({ skip }) => {
    skip(NO_HELM !== undefined, NO_HELM)
    expect(rulesOf('minimal', '--set=router.enabled=false')).not.toContain('SluiceRoutersGone')
  })

  test('what scales is a metric that exists', ({ skip }) => {
    skip(NO_HELM !== undefined, NO_HELM)
    const hpas = ofKind(render('autoscaled'), 'HorizontalPodAutoscaler').flatMap(
      (hpa) => at(hpa, 'spec.metrics') as object[],
    )
    const names = hpas.map((metric) => at(metric, 'pods.metric.name')).filter((name) => name !== undefined)
    expect(names).toHaveLength(2)
    for (const name of names) expect([...labelsOf.keys()]).toContain(name)
    const triggers = ofKind(render('keda'), 'ScaledObject').flatMap((one) => at(one, 'spec.triggers') as object[])
    const queries = triggers.map((trigger) => at(trigger, 'metadata.query')).filter((query) => query !== undefined)
    expect(queries).toEqual(['sum(sluice_gateway_connections{namespace="realtime"})'])
  })

  test('the dashboard comes as it is', ({ skip }) => {
    skip(NO_HELM !== undefined, NO_HELM)
    const map = ofKind(render('full'), 'ConfigMap').find(({ metadata }) => metadata.name === 'chat-dashboard')
    const text = (at(map, 'data') as Record<string, string>)['sluice.json'] ?? ''
    expect(JSON.parse(text)).toMatchObject({ uid: 'sluice', title: 'Sluice' })
    expect(map?.metadata.labels).toMatchObject({ grafana_dashboard: '1' })
  })
})
