// Which fields of rendered objects Kubernetes never lets change: an upgrade that changes one fails, and the release stands still.
// Run as a program, it prints those of now, for released.json.
import { argv } from 'node:process'
import { VALUE_SETS } from './chart-files.ts'
import { type Manifest, render } from './helm.ts'
import { at } from './release.ts'

/** By kind; an object that is renamed is another object, and so a field too. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  StatefulSet: ['spec.selector', 'spec.serviceName', 'spec.volumeClaimTemplates', 'spec.podManagementPolicy'],
  Service: ['spec.clusterIP'],
}

/** What may not change, by kind and name. */
export function fixedFields(objects: readonly Manifest[]): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return Object.fromEntries(
    objects
      .filter(({ kind }) => kind in FIXED)
      .map((object) => [
        `${object.kind}/${object.metadata.name}`,
        Object.fromEntries((FIXED[object.kind] ?? []).map((path) => [path, at(object, path) ?? null])),
      ]),
  )
}

if (import.meta.filename === argv[1]) {
  console.log(JSON.stringify(Object.fromEntries(VALUE_SETS.map((set) => [set, fixedFields(render(set))])), null, 2))
}
