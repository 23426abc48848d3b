// Builds the package as it is published: two bundles, declarations that stand alone, a manifest without dependencies. Everything goes
// into one folder, `dist` unless another is named: `node build.ts [folder]`. esbuild and tsc do the work, as programs.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const here = import.meta.dirname
const folder = resolve(process.argv[2] ?? join(here, 'dist'))

/** What is built of each entry. */
const ENTRIES = ['connect', 'msgpack']

/** Runs a program that npm has installed for the repository. */
function run(program: string, ...args: string[]): void {
  const { status } = spawnSync(join(here, '../node_modules/.bin', program), args, { cwd: here, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${program} ended with ${status}`)
}

function bundle(): void {
  const entries = ENTRIES.map((entry) => `src/${entry}.ts`)
  const banner = '--banner:js=// @sluice/client, Apache-2.0'
  const form = ['--bundle', '--format=esm', '--minify', '--sourcemap', '--target=es2022', '--legal-comments=none']
  run('esbuild', ...entries, ...form, banner, `--outdir=${folder}`, '--log-level=warning')
}

/** Declarations of what the entries reach. Their imports are by the names that they have once published. */
function declare(): void {
  const all = join(folder, 'declarations')
  run('tsc', '-p', 'tsconfig.build.json', '--outDir', all)
  const wanted = ENTRIES.map((entry) => `${entry}.d.ts`)
  for (const name of wanted) {
    const text = readFileSync(join(all, name), 'utf8')
    const imports = [...text.matchAll(/\bfrom '([^']+)'/g)].map((match) => match[1] ?? '')
    for (const specifier of imports) {
      const target = /^\.\/([\w-]+)\.ts$/.exec(specifier)?.[1]
      // What is published must not name what only this repository has.
      if (target === undefined) throw new Error(`${name} names ${specifier}, which users do not have`)
      if (!wanted.includes(`${target}.d.ts`)) wanted.push(`${target}.d.ts`)
    }
    writeFileSync(join(folder, name), text.replaceAll(/(\bfrom '\.\/[\w-]+)\.ts'/g, "$1.js'"))
  }
  rmSync(all, { recursive: true })
}

function describe(): void {
  const { name, version, description, license } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'))
  const exports = { '.': entry('connect'), './msgpack': entry('msgpack') }
  const manifest = { name, version, description, license, type: 'module', sideEffects: false, exports }
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify({ ...manifest, engines: { node: '>=20' } }, null, 2)}\n`,
  )
  copyFileSync(join(here, 'README.md'), join(folder, 'README.md'))
  copyFileSync(join(here, '../LICENSE'), join(folder, 'LICENSE'))
}

function entry(name: string): object {
  return { types: `./${name}.d.ts`, default: `./${name}.js` }
}

// Of a folder that someone names, nothing is removed.
if (process.argv[2] === undefined) rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
bundle()
declare()
describe()
