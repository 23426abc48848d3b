// Helm and promtool as the chart's tests run them, and what helm has rendered. Nothing is installed: where one is missing, tests are
// skipped with the reason, and .ci/run builds it.
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { CHART, valuesFile } from './chart-files.ts'

/** What .ci/run or a developer has built for tests alone; ignored by git. */
const BUILT = resolve(import.meta.dirname, '../../.sluice/chart/bin')

/** Why tests that render the chart cannot run here; undefined if they can. */
export const NO_HELM = find('helm') === null ? 'helm is not here' : undefined

/** Why the tests of alerts cannot run here; undefined if they can. */
export const NO_PROMTOOL = find('promtool') === null ? 'promtool is not here' : undefined

/** The release that everything is rendered as. */
export const RELEASE = 'live'

/** The namespace that everything is rendered for. */
export const NAMESPACE = 'realtime'

/** One rendered object. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly [field: string]: unknown
}

/** How helm ended. */
export interface HelmRun {
  readonly ok: boolean
  /** Both outputs. */
  readonly output: string
}

/** Runs helm on the chart; a failure is an answer. */
export function helm(command: readonly string[], ...flags: string[]): HelmRun {
  const { status, stdout, stderr } = spawnSync(find('helm') ?? 'helm', [...command, CHART, ...flags], {
    encoding: 'utf8',
  })
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

/** Runs promtool; a failure is an answer. */
export function promtool(...args: string[]): HelmRun {
  const { status, stdout, stderr } = spawnSync(find('promtool') ?? 'promtool', args, { encoding: 'utf8' })
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

const rendered = new Map<string, readonly Manifest[]>()

/**
 * Everything that the chart makes of a set of values.
 *
 * @param flags - values more, as `--set=a=b`
 */
export function render(set: string, ...flags: string[]): readonly Manifest[] {
  const key = [set, ...flags].join(' ')
  const known = rendered.get(key)
  if (known !== undefined) return known
  const args = ['template', RELEASE, CHART, '--namespace', NAMESPACE, '--values', valuesFile(set), ...flags]
  const text = execFileSync(find('helm') ?? 'helm', args, { encoding: 'utf8' })
  // 1.1 is what Kubernetes reads: there 0440 is octal.
  const objects = parseAllDocuments(text, { version: '1.1' })
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null)
  rendered.set(key, objects)
  return objects
}

/** What NOTES.txt says to who installs a set of values. */
export function notes(set: string, ...flags: string[]): string {
  const at = ['--namespace', NAMESPACE, '--values', valuesFile(set), '--dry-run=client', ...flags]
  const { output } = helm(['install', RELEASE], ...at)
  return output.slice(output.indexOf('NOTES:'))
}

function find(name: string): string | null {
  for (const folder of [BUILT, ...(process.env.PATH ?? '').split(delimiter)]) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not here; the next place may have it.
    }
  }
  return null
}
