// An upgrade from the release before: what Kubernetes never lets change is as that release has rendered it. What it was is in
// released.json, which a release adds to and never changes.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { VALUE_SETS } from './chart-files.ts'
import { fixedFields } from './fixed-fields.ts'
import { NO_HELM, render } from './helm.ts'

beforeEach(({ skip }) => skip(NO_HELM !== undefined, NO_HELM))

const RELEASED = JSON.parse(readFileSync(resolve(import.meta.dirname, 'released.json'), 'utf8')) as Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>
>

test.each(Object.entries(RELEASED))('an upgrade from %s changes nothing that cannot change', (_, sets) => {
  for (const [set, before] of Object.entries(sets)) {
    const now = fixedFields(render(set, '--is-upgrade'))
    for (const [object, fields] of Object.entries(before))
      expect({ [object]: now[object] }).toEqual({ [object]: fields })
  }
})

test('each set of values is held against the newest release that has it', () => {
  const known = new Set(Object.values(RELEASED).flatMap((sets) => Object.keys(sets)))
  expect(VALUE_SETS.filter((set) => !known.has(set))).toEqual([])
})

test('a change of the chart alone restarts no pod', () => {
  for (const set of VALUE_SETS)
    expect(
      JSON.stringify(render(set).map((object) => (object as { spec?: { template?: unknown } }).spec?.template)),
    ).not.toContain('helm.sh/chart')
})
