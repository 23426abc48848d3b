// deploy/operators.md against the code, in both directions: every variable, metric and readiness reason exactly once, as it is.
import { CONFIG_VARIABLE } from '@sluice/service/config/config-file'
import { describe, expect, test } from 'vitest'
import { code, metricRow, row, rowsUnder, settingRow } from '../../test/harness/operators-page.ts'
import { READINESS_REASONS } from './admin/readiness-reasons.ts'
import { gatewayConfig } from './config/gateway-config.ts'
import { metricTable } from './metrics/metric-table.ts'

describe('the page for operators', () => {
  test('has each variable once, with the path, default, unit, bounds and meaning that the schema has', () => {
    const expected = gatewayConfig.fields.map(settingRow)
    expected.push(
      row(code(CONFIG_VARIABLE), '', '', '', 'the path of a file that can be read', 'The configuration file.'),
    )
    expect(rowsUnder('variable')).toEqual(expected.sort())
  })

  test('has each metric once, with the type, labels and help that Prometheus sees', () => {
    expect(rowsUnder('metric')).toEqual(metricTable.map(metricRow).sort())
  })

  test('has each readiness reason once', () => {
    const expected = Object.entries(READINESS_REASONS).map(([reason, meaning]) => row(code(reason), meaning))
    expect(rowsUnder('reason')).toEqual(expected.sort())
  })
})
