// What a run is told by variables, with defaults that fit `npm start`: one place where `__ENV` is read. Runs in k6, so it knows nothing of Node.

/** The secret of local runs, which everyone knows (gateway/src/config/local-secret.ts). */
const LOCAL_SECRET = 'sluice-local-secret-never-use-in-production'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** What the scripts are told. */
export const settings = {
  /** `SOAK_URL`: where gateways are, in turn for each user; one address of a load balancer in production. */
  urls: text('SOAK_URL', 'ws://127.0.0.1:8080/ws,ws://127.0.0.1:8081/ws').split(','),
  /** `SOAK_VUS`: users at the same time. */
  vus: whole('SOAK_VUS', 100),
  /** `SOAK_DURATION`: of the part that is judged, such as `20s`, `30m` or `1h30m`. */
  durationMs: duration(text('SOAK_DURATION', '60s')),
  /** `SOAK_RATE`: messages, or arrivals, in a second; each script says of whom. */
  rate: Number(text('SOAK_RATE', '0')),
  /** `SOAK_ROOM_SIZE`: users in one room. */
  roomSize: whole('SOAK_ROOM_SIZE', 10),
  /** `SOAK_NAMESPACE`: with a history, and for presence with that. */
  namespace: text('SOAK_NAMESPACE', 'chat'),
  /** `SOAK_SECRET`: signs the tokens. */
  secret: text('SOAK_SECRET', LOCAL_SECRET),
  /** `SOAK_ANONYMOUS=true`: no tokens, where the gateways let anonymous users in. Nobody sees those in presence. */
  anonymous: text('SOAK_ANONYMOUS', 'false') === 'true',
  /** `SOAK_CONNECTS_PER_SECOND`: at the start; gateways refuse more than 500 of one address. */
  connectsPerSecond: whole('SOAK_CONNECTS_PER_SECOND', 50),
  /** `SOAK_ACK_P95_MS`, `SOAK_DELIVERY_P95_MS`, `SOAK_RECOVERY_P95_MS`: what is promised to the users of this installation. */
  ackP95Ms: whole('SOAK_ACK_P95_MS', 500),
  deliveryP95Ms: whole('SOAK_DELIVERY_P95_MS', 500),
  recoveryP95Ms: whole('SOAK_RECOVERY_P95_MS', 10_000),
} as const

/** How long it takes until all users have connected, with a little for the last of them. */
export const RAMP_MS = (settings.vus / settings.connectsPerSecond) * 1000 + 2000

/** What a script needs at its end: positions that catch up, answers that are due. */
export const REST_MS = 60_000

/** The time at which the user of this number connects, counted from the start. */
export function connectsAfterMs(vu: number): number {
  return ((vu - 1) / settings.connectsPerSecond) * 1000
}

/** Milliseconds as k6 writes durations. */
export function written(ms: number): string {
  return `${Math.ceil(ms)}ms`
}

/** What every script's `setup` returns. */
export interface Run {
  /** Makes rooms and users of this run different from those of others. */
  readonly id: string
  /** When all have connected, by the clock of this machine. */
  readonly startsAt: number
  /** When the part that is judged ends. */
  readonly endsAt: number
}

/** Called once, before anyone connects. */
export function beginRun(): Run {
  const startsAt = Date.now() + RAMP_MS
  return { id: Date.now().toString(36), startsAt, endsAt: startsAt + settings.durationMs }
}

function text(name: string, fallback: string): string {
  const value = __ENV[name]
  return value === undefined || value === '' ? fallback : value
}

function whole(name: string, fallback: number): number {
  const value = Number(text(name, String(fallback)))
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number from 1`)
  return value
}

function duration(written: string): number {
  const parts = [...written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0)
  if (ms === 0 || parts.map(([part]) => part).join('') !== written)
    throw new Error('SOAK_DURATION is such as 90s or 1h30m')
  return ms
}
