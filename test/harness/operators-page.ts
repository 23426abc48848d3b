// The page for operators as its tests read it: rows of tables, and how the code's own tables would stand there.
import { readFileSync } from 'node:fs'
import type { Field } from '@sluice/service/config/fields'
import type { Metric } from '@sluice/service/metrics/metric'

const page = readFileSync(new URL('../../deploy/operators.md', import.meta.url), 'utf8')

/** The rows of all tables whose header begins with this cell, as they stand on the page, sorted. */
export function rowsUnder(firstCell: string): string[] {
  const rows: string[] = []
  let inside = false
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) inside = false
    else if (line.startsWith(`| ${firstCell} |`)) inside = true
    else if (inside && !line.startsWith('| ---')) rows.push(line)
  }
  return rows.sort()
}

/** A row of a table. */
export function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Text in the form of code. */
export function code(text: unknown): string {
  return `\`${String(text)}\``
}

/** The row of a setting. */
export function settingRow(field: Field): string {
  const { variable, path, unit = '', allowed, description } = field
  return row(code(variable), code(path), defaultText(field), unit, allowed, description)
}

/** The row of a metric. */
export function metricRow<Sample>({ name, type, labels, help }: Metric<Sample>): string {
  return row(code(name), type, labels.map(code).join(', '), help)
}

function defaultText(field: Field): string {
  if (field.defaultText !== undefined) return field.defaultText
  if (field.default === undefined) return ''
  if (Array.isArray(field.default)) return field.default.map(code).join(', ')
  return code(field.kind === 'json' ? JSON.stringify(field.default) : field.default)
}
