// Packages: what package.json says is exact, the lock says the same, and each file's package declares what the file imports.
import { importsOf, packageOf } from '../imports.ts'
import type { Offence, Rule } from '../offence.ts'
import { isScript, isShipped, isTest, type SourceFile } from '../source-file.ts'

type Versions = Readonly<Record<string, string>>

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly workspaces?: readonly string[]
  readonly dependencies?: Versions
  readonly devDependencies?: Versions
  readonly optionalDependencies?: Versions
  readonly peerDependencies?: Versions
}

interface Lock {
  readonly packages: Readonly<Record<string, Manifest>>
}

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'] as const
const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/

/** Every version is pinned exactly, so that two installs are one. */
export const pinnedVersions: Rule = (files) =>
  manifestsOf(files).flatMap(({ file, manifest }) =>
    kinds
      .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      .filter(([, version]) => !exact.test(version))
      .map(([name, version]) => ({
        path: file.path,
        line: lineOf(file, `"${name}"`),
        what: `wants ${name} ${version}`,
        why: 'two installs of one commit must be the same',
        instead: 'pin the version exactly',
      })),
  )

/** package-lock.json says of each workspace what its package.json says, and locks what they pin. */
export const lockInStep: Rule = (files) => {
  const lockFile = files.find(({ path }) => path === 'package-lock.json')
  const lock: Lock = JSON.parse(lockFile?.text ?? '{"packages":{}}')
  return manifestsOf(files).flatMap(({ file, manifest }) => {
    const folder = file.path.replace(/\/?package\.json$/, '')
    const locked = lock.packages[folder]
    const differs = (['version', 'workspaces', ...kinds] as const).filter(
      (field) => JSON.stringify(locked?.[field] ?? null) !== JSON.stringify(manifest[field] ?? null),
    )
    const unlocked = kinds
      .flatMap((kind) => Object.entries(manifest[kind] ?? {}))
      .filter(([name, version]) => !lockedVersions(lock, folder, name).includes(version))
      .map(([name, version]) => `${name} ${version}`)
    const what = [...differs.map((field) => `its ${field}`), ...unlocked].join(', ')
    const instead = 'run npm install and commit package-lock.json'
    return what === ''
      ? []
      : [
          {
            path: file.path,
            line: 1,
            what: `is ahead of package-lock.json: ${what}`,
            why: 'npm ci refuses it',
            instead,
          },
        ]
  })
}

/** Scripts that run in k6, which brings its own modules: the root declares the types of them. */
const k6Scripts = /^test\/soak\/(?!adapter\/)/

/** Every package that a file imports is declared by the file's own package; tests and tools by the root. */
export const declaredPackages: Rule = (files) => {
  const manifests = new Map(manifestsOf(files).map(({ file, manifest }) => [file.path, manifest]))
  return files.filter(({ path }) => isScript(path)).flatMap((file) => undeclared(file, manifests))
}

function undeclared(file: SourceFile, manifests: ReadonlyMap<string, Manifest>): Offence[] {
  const own = manifests.get(`${file.path.slice(0, file.path.indexOf('/'))}/package.json`)
  const root = manifests.get('package.json')
  // Tests of a package also use what the root brings for all of them; what is shipped has nothing but its own.
  const declared = [own, isShipped(file.path) ? undefined : root].flatMap((manifest) => [
    ...Object.keys(manifest?.dependencies ?? {}),
    ...Object.keys(manifest?.optionalDependencies ?? {}),
    ...(isTest(file.path) || own === undefined ? Object.keys(manifest?.devDependencies ?? {}) : []),
  ])
  if (k6Scripts.test(file.path) && root?.devDependencies?.['@types/k6'] !== undefined) declared.push('k6')
  const workspaces = (root?.workspaces ?? []).flatMap((folder) => manifests.get(`${folder}/package.json`)?.name ?? [])
  return importsOf(file)
    .filter(({ specifier, target }) => target === null && !specifier.startsWith('node:'))
    .map(({ specifier, line }) => ({ name: packageOf(specifier), line }))
    .filter(({ name }) => !declared.includes(name) && !(own === undefined && workspaces.includes(name)))
    .map(({ name, line }) => ({
      path: file.path,
      line,
      what: `imports ${name}`,
      why: `${own === undefined ? 'the root' : 'its'} package.json does not declare it`,
      instead: 'add it there, with its exact version',
    }))
}

function manifestsOf(files: readonly SourceFile[]): { file: SourceFile; manifest: Manifest }[] {
  return files
    .filter(({ path }) => /^(?:[a-z]+\/)?package\.json$/.test(path))
    .map((file) => ({ file, manifest: JSON.parse(file.text) as Manifest }))
}

/** The versions at which a package may be found from a workspace: beside it, or hoisted. */
function lockedVersions({ packages }: Lock, folder: string, name: string): string[] {
  const places = [folder === '' ? '' : `${folder}/node_modules/${name}`, `node_modules/${name}`]
  const linked = Object.values(packages).filter((manifest) => manifest.name === name)
  return [...places.flatMap((place) => packages[place] ?? []), ...linked].flatMap(({ version }) => version ?? [])
}

function lineOf({ text }: SourceFile, part: string): number {
  return text.slice(0, Math.max(0, text.indexOf(part))).split('\n').length
}
