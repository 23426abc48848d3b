// What a nats-server must be and offer. Pure; asked once at the first connect.

/** Older servers lack per-message expiry and batched direct gets, which history and presence stand on. */
export const OLDEST_SERVER = [2, 11, 0] as const

/** The largest message, headers included, that a process may publish. */
export interface PayloadNeed {
  readonly bytes: number
  /** What makes it so large, for the operator: a plural that is followed by “need”. */
  readonly because: string
}

interface ServerInfo {
  readonly version: string
  readonly headers?: boolean
  readonly max_payload: number
}

/** @returns a sentence that names what is wrong, or null */
export function serverProblem(info: ServerInfo | undefined, need: PayloadNeed): string | null {
  if (info === undefined) return 'NATS sent no INFO'
  const version = /^v?(\d+)\.(\d+)\.(\d+)/.exec(info.version)?.slice(1).map(Number)
  if (version === undefined || isOlder(version, OLDEST_SERVER)) {
    return `nats-server ${info.version} is too old: ${OLDEST_SERVER.join('.')} or newer is needed`
  }
  if (info.headers === false) return 'nats-server has headers switched off: they are needed'
  if (info.max_payload < need.bytes) {
    return `nats-server's max_payload of ${info.max_payload} bytes is too small: ${need.because} need ${need.bytes}`
  }
  return null
}

function isOlder(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [at, needed] of oldest.entries()) {
    const part = version[at] ?? 0
    if (part !== needed) return part < needed
  }
  return false
}
