// Where and when a run was made: what a figure means nothing without. Read once, for the report.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, cpus, release, type } from 'node:os'
import { dirname, join } from 'node:path'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { formatVersion, parseVersion } from '../../deploy/local/nats-version.ts'

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
  readonly date: string
}

/** Reads it. */
export async function runEnvironment(startedAt: Date): Promise<RunEnvironment> {
  const processors = cpus()
  return {
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown'}`,
    system: `${type()} ${release()} ${arch()}`,
    node: process.versions.node,
    natsServer: await natsServerVersion(),
    natsClient: versionOf('@nats-io/transport-node'),
    ws: versionOf('ws'),
    commit: commit(),
    date: startedAt.toISOString().slice(0, 10),
  }
}

async function natsServerVersion(): Promise<string> {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: () => undefined })
  const version = parseVersion(execFileSync(program, ['-v'], { encoding: 'utf8' }))
  return version === null ? 'unknown' : formatVersion(version)
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
