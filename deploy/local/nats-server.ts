// Finds a nats-server for local runs and tests: on the PATH if it is new enough, else in the repository's cache, which is
// filled once from the first source that works. It never starts the server and never changes an installed one.
import { constants } from 'node:fs'
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { withLock } from './cache-lock.ts'
import { type NatsSource, natsSources } from './nats-sources.ts'
import { formatVersion, isAtLeast, NATS_VERSION_MIN, parseVersion } from './nats-version.ts'
import { runCommand } from './run-command.ts'

/** The cache of the repository, ignored by git. */
export const NATS_CACHE_DIR = resolve(import.meta.dirname, '../../.sluice/bin')

/** How nats-server is looked for. */
export interface FindNatsServerOptions {
  /** The folder of the cache, usually {@link NATS_CACHE_DIR}; it is made if needed. */
  readonly cacheDir: string
  /** Told in whole sentences what takes time, and nothing when the program is there already. */
  readonly say: (sentence: string) => void
  /** Stops a download or build under way. */
  readonly signal?: AbortSignal | undefined
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv
  /** Default {@link natsSources}. */
  readonly sources?: readonly NatsSource[]
}

/** No nats-server was found and none could be had. The message lists all that was tried. */
export class NatsServerNotFound extends Error {
  override readonly name = 'NatsServerNotFound'
}

const VERSION_MS = 10_000
const LEFTOVER_MS = 3_600_000
const FOLDER_PREFIX = 'fill-'

/**
 * Finds or fetches nats-server. Any number of processes may call it at once.
 *
 * @returns the absolute path of a program whose version is at least {@link NATS_VERSION_MIN}
 * @throws NatsServerNotFound when there is none
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<string> {
  const { say, env = process.env, sources = natsSources(), signal } = options
  const cacheDir = resolve(options.cacheDir)
  const tried: string[] = []
  const installed = await findOnPath(env, tried)
  if (installed !== null) return installed
  const cached = await findInCache(cacheDir, sources, tried)
  if (cached !== null) return cached

  await mkdir(cacheDir, { recursive: true })
  const onWait = (): void => say(`nats-server: another process is filling ${cacheDir}; waiting for it`)
  return await withLock({ path: join(cacheDir, 'lock'), onWait, signal }, async () => {
    const filled = await findInCache(cacheDir, sources, [])
    if (filled !== null) return filled
    await removeLeftovers(cacheDir)
    say(
      `nats-server: none on the PATH that is ${formatVersion(NATS_VERSION_MIN)} or newer; filling ${cacheDir}, this once`,
    )
    for (const source of sources) {
      say(`nats-server: trying ${source.name}${source.pace === undefined ? '' : ` (${source.pace})`}`)
      try {
        return await fill(cacheDir, source, { env, signal })
      } catch (error) {
        signal?.throwIfAborted()
        const why = error instanceof Error ? error.message : String(error)
        tried.push(`${source.name}: ${why}`)
        say(`nats-server: that failed: ${why}`)
      }
    }
    throw new NatsServerNotFound(notFoundMessage(tried))
  })
}

/** Every nats-server on the PATH is asked for its version; the first that is new enough is taken. */
async function findOnPath(env: NodeJS.ProcessEnv, tried: string[]): Promise<string | null> {
  const folders = (env.PATH ?? '').split(delimiter).filter(isAbsolute)
  for (const folder of new Set(folders)) {
    const path = join(folder, 'nats-server')
    if (!(await isExecutable(path))) continue
    const fault = await versionFault(path)
    if (fault === null) return path
    tried.push(`${path}: ${fault}`)
  }
  if (tried.length === 0) tried.push('the PATH: no nats-server on it')
  return null
}

async function findInCache(cacheDir: string, sources: readonly NatsSource[], tried: string[]): Promise<string | null> {
  for (const { version } of sources) {
    const path = cachePath(cacheDir, version)
    if (!(await isExecutable(path))) continue
    const fault = await versionFault(path)
    if (fault === null) return path
    tried.push(`${path}: ${fault}`)
  }
  return null
}

/** The folder is on the same file system as the target, so the rename is atomic: the cache never holds half a program. */
async function fill(
  cacheDir: string,
  source: NatsSource,
  context: { env: NodeJS.ProcessEnv; signal?: AbortSignal | undefined },
): Promise<string> {
  const folder = await mkdtemp(join(cacheDir, FOLDER_PREFIX))
  try {
    const program = await source.fetch({ folder, ...context })
    await chmod(program, 0o755)
    const fault = await versionFault(program)
    if (fault !== null) throw new Error(`what it brought is of no use: ${fault}`)
    const target = cachePath(cacheDir, source.version)
    await rename(program, target)
    return target
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function cachePath(cacheDir: string, version: string): string {
  return resolve(cacheDir, `nats-server-${version}`)
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    // Not there, or not for us to run: for the search that is the same.
    return false
  }
}

/** Why a program can't be used; null if it can. */
async function versionFault(path: string): Promise<string | null> {
  let output: string
  try {
    output = await runCommand(path, ['-v'], { timeoutMs: VERSION_MS })
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const version = parseVersion(output)
  if (version === null) return 'it does not tell its version'
  if (isAtLeast(version, NATS_VERSION_MIN)) return null
  return `it is ${formatVersion(version)}, older than ${formatVersion(NATS_VERSION_MIN)}`
}

/** Folders of fillings that were killed. Called under the lock; the age spares one whose lock was lost. */
async function removeLeftovers(cacheDir: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    if (!entry.startsWith(FOLDER_PREFIX)) continue
    const path = join(cacheDir, entry)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > LEFTOVER_MS) await rm(path, { recursive: true, force: true })
  }
}

function notFoundMessage(tried: readonly string[]): string {
  return [
    `No nats-server ${formatVersion(NATS_VERSION_MIN)} or newer was found, and none could be fetched. Tried:`,
    ...tried.map((line) => `  - ${line}`),
    'Install nats-server (https://docs.nats.io/running-a-nats-service/introduction/installation) so that it is on the PATH,',
    'or set SLUICE_NATS_URL to a running one with JetStream.',
  ].join('\n')
}
