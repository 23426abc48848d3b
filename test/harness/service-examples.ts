// The examples of deploy/services as processes, in each language that is here: what runs them, what they need, and what they printed.
// Nothing is installed: where something is missing, tests are skipped with the reason, and .ci/run installs it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { type Child, startChild } from './child.ts'

/** What the examples are written in. `cli` is the `nats` command. */
export type Language = 'typescript' | 'go' | 'python' | 'cli'

/** All of them. */
export const LANGUAGES: readonly Language[] = ['typescript', 'go', 'python', 'cli']

/** The examples that each language has. */
export const EXAMPLES = ['push', 'store', 'ask', 'events', 'answer', 'authorize', 'publish', 'control'] as const

/** One of {@link EXAMPLES}. */
export type Example = (typeof EXAMPLES)[number]

/** A language whose examples can be run here. */
export interface Runnable {
  /** Starts an example. */
  start(example: Example, natsUrl: string, ...args: string[]): Child
}

const FOLDER = resolve(import.meta.dirname, '../../deploy/services')
/** What .ci/run or a developer has installed for tests alone; ignored by git. */
const INSTALLED = resolve(import.meta.dirname, '../../.sluice/services')
const BUILD_MS = 300_000

/**
 * What runs the examples of a language.
 *
 * @returns a sentence where it can't be run here
 */
export function prepare(language: Language): Runnable | string {
  switch (language) {
    case 'typescript':
      return runnable((example, args) => [process.execPath, join(FOLDER, language, `${example}.ts`), ...args])
    case 'go':
      return prepareGo()
    case 'python':
      return preparePython()
    case 'cli':
      return prepareCommand()
  }
}

/** The `go` command; null if there is none. */
export function findGo(): string | null {
  return find('go', ['/usr/local/go/bin'])
}

/** A Python, with what was installed for tests if there is such; null if there is none. */
export function findPython(): string | null {
  return find('python3', [], [join(INSTALLED, 'python/bin')])
}

function prepareGo(): Runnable | string {
  const go = findGo()
  if (go === null) return 'Go is not here'
  const built = join(INSTALLED, 'go')
  // Another file of tests may run what it has built: programs are replaced as a whole.
  const building = join(built, `building-${process.pid}`)
  mkdirSync(building, { recursive: true })
  const { status, stderr } = spawnSync(go, ['build', '-o', building, ...EXAMPLES.map((example) => `./${example}`)], {
    cwd: join(FOLDER, 'go'),
    encoding: 'utf8',
    timeout: BUILD_MS,
  })
  if (status !== 0) throw new Error(`the examples in Go do not build:\n${stderr}`)
  for (const example of EXAMPLES) renameSync(join(building, example), join(built, example))
  rmSync(building, { recursive: true })
  return runnable((example, args) => [join(built, example), ...args])
}

function preparePython(): Runnable | string {
  const python = findPython()
  const module = ['-c', 'import nats, asyncio; asyncio.timeout']
  if (python === null || spawnSync(python, module).status !== 0) return 'Python 3.11 with nats-py is not here'
  return runnable((example, args) => [python, '-B', join(FOLDER, 'python', `${example}.py`), ...args])
}

function prepareCommand(): Runnable | string {
  const nats = find('nats', [join(process.env.HOME ?? '', 'go/bin')], [join(INSTALLED, 'bin')])
  if (nats === null) return 'the nats command is not here'
  // The scripts call it by its name.
  const path = [resolve(nats, '..'), process.env.PATH].join(delimiter)
  return runnable((example, args) => ['sh', join(FOLDER, 'cli', `${example}.sh`), ...args], path)
}

function runnable(command: (example: Example, args: string[]) => string[], path = process.env.PATH): Runnable {
  return {
    start(example, natsUrl, ...args) {
      const [program = '', ...rest] = command(example, args)
      // The nats command keeps its settings at home: those of the tester are none of its business.
      const env = { PATH: path, NATS_URL: natsUrl, HOME: INSTALLED }
      return startChild({ command: program, args: rest, env, group: true })
    },
  }
}

/** A program of the PATH, with places before and behind it; null if there is none. */
function find(name: string, behind: readonly string[], before: readonly string[] = []): string | null {
  const folders = [...before, ...(process.env.PATH ?? '').split(delimiter), ...behind].filter((folder) => folder !== '')
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not here; the next place may have it.
    }
  }
  return null
}
