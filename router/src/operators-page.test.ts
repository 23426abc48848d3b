// deploy/operators.md against the code, in both directions: every variable of its own, metric and readiness reason of the router
// exactly once, as it is.
import { describe, expect, test } from 'vitest'
import { code, metricRow, row, rowsUnder, settingRow } from '../../test/harness/operators-page.ts'
import { READINESS_REASONS } from './admin/readiness-reasons.ts'
import { routerConfig } from './config/router-config.ts'
import { metricTable } from './metrics/metric-table.ts'

describe('the page for operators', () => {
  test("has each variable of the router's own once", () => {
    const own = routerConfig.fields.filter(({ path }) => path.startsWith('router.'))
    expect(rowsUnder('router variable')).toEqual(own.map(settingRow).sort())
  })

  test('has each variable that both tiers read among those of gateways, with the same meaning', () => {
    const shared = routerConfig.fields.filter(({ path }) => !path.startsWith('router.'))
    expect(rowsUnder('variable')).toEqual(expect.arrayContaining(shared.map(settingRow)))
  })

  test('has each metric of the router once', () => {
    const own = metricTable.filter(({ name }) => name.startsWith('sluice_router_'))
    expect(rowsUnder('router metric')).toEqual(own.map(metricRow).sort())
  })

  test('has each readiness reason of the router once', () => {
    const expected = Object.entries(READINESS_REASONS).map(([reason, meaning]) => row(code(reason), meaning))
    expect(rowsUnder('router reason')).toEqual(expected.sort())
  })
})
