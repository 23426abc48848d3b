// The queries of dashboard and alerts: where they stand, and which metrics and labels they name. A reader for the queries that we write,
// not for all of PromQL; whether they parse is promtool's to say.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { CHART } from './chart-files.ts'

/** A query, and where it stands. */
export interface Query {
  readonly of: string
  readonly expr: string
}

/** An alert as the file has it. */
export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}

/** A metric as a query names it. */
export interface Named {
  readonly metric: string
  readonly labels: readonly string[]
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** Every alert. */
export function alerts(): readonly Alert[] {
  const { groups } = parse(readFileSync(join(CHART, 'alerts/sluice.yaml'), 'utf8')) as { groups: { rules: Alert[] }[] }
  return groups.flatMap(({ rules }) => rules)
}

/** Every query of the dashboard, with Grafana's variables as Prometheus would see them. */
export function dashboardQueries(): readonly Query[] {
  const { panels } = JSON.parse(readFileSync(join(CHART, 'dashboards/sluice.json'), 'utf8')) as { panels: Panel[] }
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      of: title,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(namespace|pod)\b/g, '.*'),
    })),
  )
}

/** Every query of the alerts. */
export function alertQueries(): readonly Query[] {
  return alerts().map(({ alert, expr }) => ({ of: alert, expr }))
}

/** The metrics that a query names, each with the labels of its selector. */
export function namedIn(expr: string): readonly Named[] {
  return [...expr.matchAll(/\b((?:sluice|process)_\w+)(?:\{([^}]*)\})?/g)].map(([, metric = '', selector = '']) => ({
    metric,
    labels: [...selector.matchAll(/(\w+)\s*[=!]~?\s*"/g)].map(([, label = '']) => label),
  }))
}

/** The labels by which a query groups or joins. */
export function groupedBy(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|on|without|group_left)\s*\(([^)]*)\)/g)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
}
