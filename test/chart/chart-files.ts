// Where the chart and its parts are.
// Owns paths alone; never reads what is there, but for the names of the sets of values.
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The folder of the chart. */
export const CHART = resolve(import.meta.dirname, '../../deploy/chart')

/** Sets of values that cover the chart: each is rendered and judged by every test. */
export const VALUE_SETS: readonly string[] = readdirSync(join(CHART, 'ci'))
  .filter((name) => name.endsWith('-values.yaml'))
  .map((name) => name.replace(/-values\.yaml$/, ''))

/** The file of a set of values. */
export function valuesFile(set: string): string {
  return join(CHART, 'ci', `${set}-values.yaml`)
}
