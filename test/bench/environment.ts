// Where a run was made: what a figure means nothing without. Read once, for the report.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, cpus, release, type } from 'node:os'
import { dirname, join } from 'node:path'

/** The machine, the versions and the commit of a run. */
export interface RunEnvironment {
  readonly machine: string
  readonly system: string
  readonly node: string
  readonly natsServer: string
  readonly natsClient: string
  readonly ws: string
  /** Of the repository that the benchmark is in; `+` after it means changes that are not committed. */
  readonly commit: string
}

/** Reads it. */
export function runEnvironment(natsServer: string): RunEnvironment {
  const processors = cpus()
  return {
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    system: `${type()} ${release()} ${arch()}`,
    node: process.versions.node,
    natsServer,
    natsClient: versionOf('@nats-io/transport-node'),
    ws: versionOf('ws'),
    commit: commit(),
  }
}

function versionOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name)
  const folder = entry.slice(0, entry.lastIndexOf(join('node_modules', name)))
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  return version as string
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: dirname(import.meta.filename),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  try {
    return git('rev-parse', '--short', 'HEAD').trim() + (git('status', '--porcelain') === '' ? '' : '+')
  } catch {
    // No repository, or none with a commit: figures can be had all the same.
    return 'none'
  }
}
