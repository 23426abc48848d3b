// deploy/operators.md against the code, in both directions: every variable, metric and readiness reason exactly once, as it is.
import { readFileSync } from 'node:fs'
import { CONFIG_VARIABLE } from '@sluice/service/config/config-file'
import type { Field } from '@sluice/service/config/fields'
import { describe, expect, test } from 'vitest'
import { READINESS_REASONS } from './admin/readiness-reasons.ts'
import { gatewayConfig } from './config/gateway-config.ts'
import { metricTable } from './metrics/metric-table.ts'

const page = readFileSync(new URL('../../deploy/operators.md', import.meta.url), 'utf8')

/** The rows of all tables whose header begins with this cell, as they stand on the page. */
function rowsUnder(firstCell: string): string[] {
  const rows: string[] = []
  let inside = false
  for (const line of page.split('\n')) {
    if (!line.startsWith('|')) inside = false
    else if (line.startsWith(`| ${firstCell} |`)) inside = true
    else if (inside && !line.startsWith('| ---')) rows.push(line)
  }
  return rows
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

function code(text: unknown): string {
  return `\`${String(text)}\``
}

function defaultText(field: Field): string {
  if (field.defaultText !== undefined) return field.defaultText
  if (field.default === undefined) return ''
  if (Array.isArray(field.default)) return field.default.map(code).join(', ')
  return code(field.kind === 'json' ? JSON.stringify(field.default) : field.default)
}

describe('the page for operators', () => {
  test('has each variable once, with the path, default, unit, bounds and meaning that the schema has', () => {
    const expected = gatewayConfig.fields.map((field) =>
      row(
        code(field.variable),
        code(field.path),
        defaultText(field),
        field.unit ?? '',
        field.allowed,
        field.description,
      ),
    )
    expected.push(
      row(code(CONFIG_VARIABLE), '', '', '', 'the path of a file that can be read', 'The configuration file.'),
    )
    expect(rowsUnder('variable').sort()).toEqual(expected.sort())
  })

  test('has each metric once, with the type, labels and help that Prometheus sees', () => {
    const expected = metricTable.map((metric) =>
      row(code(metric.name), metric.type, metric.labels.map(code).join(', '), metric.help),
    )
    expect(rowsUnder('metric').sort()).toEqual(expected.sort())
  })

  test('has each readiness reason once', () => {
    const expected = Object.entries(READINESS_REASONS).map(([reason, meaning]) => row(code(reason), meaning))
    expect(rowsUnder('reason').sort()).toEqual(expected.sort())
  })
})
