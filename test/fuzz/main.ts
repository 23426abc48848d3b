// The command `npm run fuzz`: searches for inputs that break a promise, with a seed that it prints, and keeps those that reach more of the code in
// `corpus/`. Ends with 1 where a promise was broken, and leaves that input in the repository's ignored folder.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { codecTarget } from './codec-targets.ts'
import { fuzz } from './loop.ts'
import type { Target } from './target.ts'
import { upgradeTarget } from './upgrade-target.ts'

const TARGETS: Readonly<Record<string, () => Target | Promise<Target>>> = {
  json: () => codecTarget('json'),
  msgpack: () => codecTarget('msgpack'),
  upgrade: upgradeTarget,
}

/** The repository stays small: what is above it stays with whoever has found it. */
const CORPUS_FILES_MAX = 60
const CORPUS_FILE_BYTES_MAX = 4096

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: Object.keys(TARGETS) },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: `${Math.floor(Date.now() / 1000)}` },
    keep: { type: 'boolean', default: false },
  },
})

let faults = 0
for (const name of values.target) {
  const make = TARGETS[name]
  if (make === undefined) throw new Error(`no target ${name}: there are ${Object.keys(TARGETS).join(', ')}`)
  const folder = resolve(import.meta.dirname, 'corpus', name)
  mkdirSync(folder, { recursive: true })
  const corpus = readdirSync(folder).map((file) => readFileSync(join(folder, file)))
  await using target = await make()
  const seconds = Number(values.seconds) / values.target.length
  const { inputs, blocks, kept, fault } = await fuzz({ target, seed: Number(values.seed), seconds, corpus })
  console.log(
    `${name}: seed ${values.seed}, ${inputs} inputs, ${blocks} blocks reached, ${corpus.length} inputs kept before, ${kept.length} now`,
  )
  if (fault !== null) {
    faults++
    const path = save(resolve(import.meta.dirname, '../../.sluice/fuzz'), fault.input)
    console.error(`${name}: broken by ${path}:`, fault.error)
  } else if (values.keep) {
    const seeds = new Set(target.seeds.map(nameOf))
    const small = kept.filter((input) => input.length <= CORPUS_FILE_BYTES_MAX && !seeds.has(nameOf(input)))
    for (const input of small.slice(0, Math.max(0, CORPUS_FILES_MAX - corpus.length))) save(folder, input)
  }
}
// The in-process gateway of `upgrade` holds timers that nobody waits for.
process.exit(faults === 0 ? 0 : 1)

function nameOf(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}

function save(folder: string, input: Uint8Array): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${nameOf(input)}.bin`)
  writeFileSync(path, input)
  return path
}
