// What Kubernetes and its extensions say of an object, from packages that are made of their published schemas: TypeScript knows every field,
// so a field that does not exist is an error of its; validators know what is required, and which values a field takes. Never renders.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Manifest } from './helm.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Below the repository, so that packages resolve; ignored by git. */
const WORK = join(ROOT, '.sluice/chart/models')

const PACKAGES: Readonly<Record<string, string>> = {
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api/',
  'keda.sh': '@kubernetes-models/keda/',
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator/',
}

/** The module of an object's model: `kubernetes-models/apps/v1/Deployment`. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
  return `${PACKAGES[group] ?? 'kubernetes-models/'}${apiVersion}/${kind}`
}

interface Model {
  new (data: unknown): { validate(): void }
}

/**
 * What the values of an object break: what is missing, of the wrong type, or none of those that are allowed.
 *
 * @returns null if nothing
 */
export async function brokenValues(object: Manifest): Promise<string | null> {
  const models = (await import(moduleOf(object))) as Readonly<Record<string, Model>>
  const Model = models[object.kind]
  if (Model === undefined) return `there is no ${object.apiVersion} ${object.kind}`
  try {
    new Model(object).validate()
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * The fields of these objects that do not exist, as the compiler tells them.
 *
 * @returns empty if all exist
 */
export function unknownFields(objects: readonly Manifest[]): string {
  const folder = join(WORK, String(process.pid))
  mkdirSync(folder, { recursive: true })
  const kinds = new Map(objects.map((object) => [moduleOf(object), object.kind]))
  const aliases = [...kinds.keys()]
  const imports = aliases.map((module, at) => `import type { I${kinds.get(module)} as Model${at} } from '${module}'`)
  const checks = objects.map((object) => `;(${literal(object)}) satisfies Model${aliases.indexOf(moduleOf(object))}`)
  writeFileSync(join(folder, 'objects.ts'), `${[...imports, ...checks].join('\n')}\n`)
  const flags = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--types', '', '--target', 'es2024']
  const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const { stdout, stderr } = spawnSync(tsc, [...flags, ...modules, 'objects.ts'], { cwd: folder, encoding: 'utf8' })
  rmSync(folder, { recursive: true, force: true })
  return `${stdout}${stderr}`
}

/** On lines of its own for each field, so that an error's line is short. */
function literal(object: Manifest): string {
  return JSON.stringify(object, null, 1)
}
