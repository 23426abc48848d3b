// A lock between processes: a folder that exists while one of them fills the cache. It saves work and is not what keeps the
// cache whole; the atomic rename of nats-server.ts does that, so the worst of a lost lock is work done twice.
import { mkdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** How a lock is taken. */
export interface LockOptions {
  /** The folder that is the lock. Its parent must exist. */
  readonly path: string
  /** Called once if another process holds the lock. */
  readonly onWait: () => void
  /** A holder shows that it lives this often. Default 1000. */
  readonly renewMs?: number
  /** A lock that was not renewed for this long is taken over: its holder was killed. Default 10000. */
  readonly staleMs?: number
  readonly signal?: AbortSignal | undefined
}

const POLL_MS = 200

/**
 * Does the work while holding the lock.
 *
 * @throws what the work throws, or the signal's reason when it is aborted while waiting
 */
export async function withLock<result>(options: LockOptions, work: () => Promise<result>): Promise<result> {
  const { path, renewMs = 1_000 } = options
  await acquire(options)
  const renewal = setInterval(() => renew(path), renewMs)
  try {
    return await work()
  } finally {
    clearInterval(renewal)
    await rm(path, { recursive: true, force: true })
  }
}

async function acquire({ path, onWait, staleMs = 10_000, signal }: LockOptions): Promise<void> {
  let waited = false
  while (!(await tryMkdir(path))) {
    const age = await ageMs(path)
    if (age !== null && age > staleMs) {
      await takeAway(path)
      continue
    }
    if (!waited) onWait()
    waited = true
    await pause(POLL_MS, undefined, signal === undefined ? {} : { signal })
  }
}

async function tryMkdir(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Milliseconds since the last renewal by the file system's clock; null if the lock is gone. */
async function ageMs(path: string): Promise<number | null> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

function renew(path: string): void {
  const now = new Date()
  // A renewal that fails lets the lock go stale, and then another process may do the same work: no harm.
  utimes(path, now, now).catch(() => undefined)
}

/** Only one of several waiters can rename the folder, so a fresh lock is not removed by a second one. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`
  try {
    await rename(path, aside)
    await rm(aside, { recursive: true, force: true })
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
