// When a socket is asked for a sign of life, and when it is given up [P-11.2]. Pure. It also finds by the clock that the process
// itself was away (a frozen tab, a laptop that slept): its timer then fires far too late, and the socket is asked at once.

/** What is known of a socket's life. Instants are of a clock that also counts sleep. */
export interface Heartbeat {
  readonly heardAtMs: number
  /** When it was asked, if that is unanswered. */
  readonly askedAtMs: number | null
  /** How long the answer may take. */
  readonly answerMs: number
  /** When the timer should look again. */
  readonly lookAtMs: number
  /** Looks in a row that came too late while it was asked. */
  readonly late: number
}

/** Durations that a socket is judged by. */
export interface Patience {
  /** Silence after which it is asked; half of that is the time to answer. From `welcome`. */
  readonly heartbeatMs: number
  /** Time to answer once there is reason to doubt. */
  readonly probeMs: number
}

/** What a look came to. */
export interface Look {
  readonly heartbeat: Heartbeat
  readonly act: 'wait' | 'ping' | 'give-up'
}

/** A timer that fires so much too late says that the process stood still. Above what a busy page makes of a timer. */
const LATE_MS = 2000

/** Looks are at most so far apart, so that the end of a sleep is noticed soon also where timers stand still meanwhile. */
const LOOK_MS = 5000

/** So many late looks are forgiven: after a standstill timers run before what the socket holds is read. */
const LATE_MAX = 2

/** A socket that has just spoken. */
export function heard(nowMs: number, { heartbeatMs }: Patience): Heartbeat {
  return { heardAtMs: nowMs, askedAtMs: null, answerMs: 0, lookAtMs: nowMs + Math.min(LOOK_MS, heartbeatMs), late: 0 }
}

/** Whether the process has stood still: what it hears now may have lain in the socket since before. */
export function stoodStill({ lookAtMs }: Heartbeat, nowMs: number): boolean {
  return nowMs - lookAtMs > LATE_MS
}

/** There is reason to doubt: the network has come back, the page is looked at again. */
export function doubted(heartbeat: Heartbeat, nowMs: number, { probeMs }: Patience): Look {
  if (heartbeat.askedAtMs !== null) return { heartbeat, act: 'wait' }
  return ask(heartbeat, nowMs, probeMs)
}

/** The timer has fired. */
export function looked(heartbeat: Heartbeat, nowMs: number, { heartbeatMs, probeMs }: Patience): Look {
  const late = stoodStill(heartbeat, nowMs)
  if (heartbeat.askedAtMs !== null) {
    if (nowMs < heartbeat.askedAtMs + heartbeat.answerMs) return { heartbeat, act: 'wait' }
    if (!late || heartbeat.late >= LATE_MAX) return { heartbeat, act: 'give-up' }
    return ask({ ...heartbeat, late: heartbeat.late + 1 }, nowMs, probeMs)
  }
  if (late) return ask({ ...heartbeat, late: 1 }, nowMs, probeMs)
  const silenceAtMs = heartbeat.heardAtMs + heartbeatMs
  if (nowMs >= silenceAtMs) return ask(heartbeat, nowMs, heartbeatMs / 2)
  return { heartbeat: { ...heartbeat, lookAtMs: Math.min(silenceAtMs, nowMs + LOOK_MS) }, act: 'wait' }
}

function ask(heartbeat: Heartbeat, nowMs: number, answerMs: number): Look {
  return { heartbeat: { ...heartbeat, askedAtMs: nowMs, answerMs, lookAtMs: nowMs + answerMs }, act: 'ping' }
}
