// Takes a changed configuration file over without closing sockets, or refuses it whole. Owns when the file is looked at; what a
// running process can take over is decided in config-diff.ts, what is valid by whoever loads.
import { stat } from 'node:fs/promises'
import { diffConfig } from './config-diff.ts'
import { type Field, nameOf } from './fields.ts'
import type { ConfigLoad } from './load-config.ts'

/** Kubernetes takes up to a minute to bring a changed ConfigMap into a pod, so a few seconds more are not noticed. */
export const RELOAD_INTERVAL_MS = 5000

/** What a reload needs, and whom it tells. */
export interface ReloadOptions<Config> {
  /** Every field of the configuration. */
  readonly fields: readonly Field[]
  /** The file to look at, or null where there is none: then only {@link Reload.check} loads. */
  readonly path: string | null
  /** What runs now. */
  readonly config: Config
  /** Loads everything again, as at start. */
  load(): ConfigLoad<Config>
  /** The new configuration applies from this call on; only `live` fields (paths) differ from the one before. */
  onChange(config: Config, changed: readonly string[]): void
  /** Nothing changes. Told once for each change of the file. */
  onRefused(mistakes: readonly string[]): void
  /** Milliseconds between two looks. Default {@link RELOAD_INTERVAL_MS}. */
  readonly intervalMs?: number
}

/** A running reload. */
export interface Reload {
  /** Loads now, whether the file seems changed or not: for SIGHUP. */
  check(): void
  /** Looks no more; nothing is told after it. */
  stop(): void
}

/**
 * Looks at the file every few seconds. Its state, not events, is compared: Kubernetes replaces a symbolic link two folders above
 * the file, which file system events on the file itself do not show.
 */
export function startReload<Config>(options: ReloadOptions<Config>): Reload {
  let config = options.config
  let seen: string | null = null
  let looking = false
  let stopped = false

  const check = (): void => {
    if (stopped) return
    const result = decideReload(options.fields, config, options.load())
    if (result.kind === 'refused') options.onRefused(result.mistakes)
    if (result.kind !== 'changed') return
    config = result.config
    options.onChange(config, result.changed)
  }

  const look = async (path: string): Promise<void> => {
    if (looking) return
    looking = true
    const now = await fingerprint(path)
    looking = false
    if (stopped || now === null || now === seen) return
    seen = now
    // What the first look finds is checked as well: the file may have changed since the start loaded it.
    check()
  }

  const { path } = options
  if (path === null) return { check, stop: () => (stopped = true) }
  void look(path)
  const timer = setInterval(() => void look(path), options.intervalMs ?? RELOAD_INTERVAL_MS)
  timer.unref()
  return {
    check,
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }
}

/** What becomes of a freshly loaded configuration. */
export type ReloadResult<Config> =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly config: Config; readonly changed: readonly string[] }
  | { readonly kind: 'refused'; readonly mistakes: readonly string[] }

/** Decides purely: refused whole if it has a mistake or a field differs that needs a restart. */
export function decideReload<Config>(
  fields: readonly Field[],
  running: Config,
  loaded: ConfigLoad<Config>,
): ReloadResult<Config> {
  if (!loaded.ok) return { kind: 'refused', mistakes: loaded.mistakes }
  const { live, restart } = diffConfig(fields, running, loaded.config)
  if (restart.length > 0)
    return { kind: 'refused', mistakes: restart.map((field) => `${nameOf(field)} has changed, which needs a restart`) }
  if (live.length === 0) return { kind: 'unchanged' }
  return { kind: 'changed', config: loaded.config, changed: live.map(({ path }) => path) }
}

/** @returns null where there is no file, as there may be none between two versions */
async function fingerprint(path: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path)
    return [dev, ino, size, mtimeMs, ctimeMs].join(':')
  } catch {
    // What runs is still valid; a file that is gone for good is told by check() and by the next start.
    return null
  }
}
