import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { formatOffences, type Rule } from './offence.ts'
import { citations, clauseNumbers } from './rules/clauses.ts'
import { closeCodesDocumented, errorCodesDocumented } from './rules/code-tables.ts'
import { barrels, defaultExports, docComments } from './rules/exports.ts'
import { fileHeads } from './rules/file-heads.ts'
import { fileNames } from './rules/file-names.ts'
import { fileSizes, fileSizeWarnings } from './rules/file-sizes.ts'
import { globalHomes } from './rules/global-homes.ts'
import { importCycles } from './rules/import-cycles.ts'
import { importDirections } from './rules/import-directions.ts'
import { importHomes } from './rules/import-homes.ts'
import { declaredPackages, lockInStep, pinnedVersions } from './rules/packages.ts'
import { architectureLength, machineWords } from './rules/pages.ts'
import { focusedTests, silentSkips } from './rules/test-modes.ts'
import { readTree } from './source-file.ts'

const files = readTree(fileURLToPath(new URL('../..', import.meta.url)))

const rules: Readonly<Record<string, Rule>> = {
  'dependencies point one way': importDirections,
  'each outside technology stays in its home': importHomes,
  'the files of a package form no cycle': importCycles,
  'environment, time, chance, console and process stay in their homes': globalHomes,
  'names say what a file owns': fileNames,
  'no file is too long': fileSizes,
  'every file has a head': fileHeads,
  'every export has a doc comment': docComments,
  'nothing is exported as default': defaultExports,
  'there is one barrel': barrels,
  'every close code is documented once, and no other': closeCodesDocumented,
  'every error code is documented once, and no other': errorCodesDocumented,
  'every cited clause exists': citations,
  'no two clauses have one number': clauseNumbers,
  'the map is short': architectureLength,
  'nothing betrays the machine it was written on': machineWords,
  'every version is exact': pinnedVersions,
  'the lock is in step': lockInStep,
  'every imported package is declared': declaredPackages,
  'no test is focused': focusedTests,
  'no test is skipped without a reason': silentSkips,
}

describe('in this repository', () => {
  test.each(Object.entries(rules))('%s', (_, rule) => {
    const offences = rule(files)
    if (offences.length > 0) expect.fail(`${offences.length} offences\n${formatOffences(offences)}`)
  })

  test('long files are pointed out', () => {
    const warnings = fileSizeWarnings(files)
    if (warnings.length > 0) console.warn(formatOffences(warnings))
  })
})
