// Writes what follows from elsewhere into the chart: the table of values into its README, the settings of the configuration into its
// schema. Run by hand after a change of either (`node test/chart/write-pages.ts`); a test says when it was forgotten.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHART } from './chart-files.ts'
import { configDefinitions } from './config-schema.ts'
import { valuesOf, valuesTable, withTable } from './values-page.ts'

const readme = join(CHART, 'README.md')
const table = valuesTable(valuesOf(readFileSync(join(CHART, 'values.yaml'), 'utf8')))
writeFileSync(readme, withTable(readFileSync(readme, 'utf8'), table))

const schemaFile = join(CHART, 'values.schema.json')
const schema = JSON.parse(readFileSync(schemaFile, 'utf8')) as { $defs: Record<string, unknown> }
Object.assign(schema.$defs, configDefinitions())
writeFileSync(schemaFile, `${JSON.stringify(schema, null, 2)}\n`)
console.log('written; now run `npx biome check --write deploy/chart`')
