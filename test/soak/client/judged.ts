// What a soak measures, and what must hold of it: every metric with its threshold and the reason for that. Scripts choose from here.
import { Counter, Rate, Trend } from 'k6/metrics'
import { settings } from './settings.ts'

/** Messages of a room with history that somebody did not get: a break in a chain of offsets, a `gap`, an acknowledged one that never came. */
export const lost = new Counter('sluice_lost')
/** Messages that somebody got twice. */
export const doubled = new Counter('sluice_doubled')
/** Answers `error`, answers that did not come, frames that nobody understands. */
export const errors = new Counter('sluice_errors')
/** Sockets that ended without anybody asking for it. */
export const closes = new Counter('sluice_closes')
/** Attempts to connect that were refused; they are made again. */
export const refusals = new Counter('sluice_refusals')
/** Messages that arrived. */
export const delivered = new Counter('sluice_delivered')
/** Users who came to the end of the script. */
export const done = new Counter('sluice_done')
/** From the upgrade to `welcome`. */
export const connectMs = new Trend('sluice_connect_ms', true)
/** From a publish to its `ok`: it is stored then. */
export const ackMs = new Trend('sluice_ack_ms', true)
/** From a publish to its arrival, by the clock of this machine. */
export const deliveryMs = new Trend('sluice_delivery_ms', true)
/** From the loss of a socket until the room is whole again. */
export const recoveryMs = new Trend('sluice_recovery_ms', true)
/** Whether a return brought everything. */
export const recovered = new Rate('sluice_recovered')
/** Views of members that are not what they must be, and joins and leaves that cannot be. */
export const presenceWrong = new Counter('sluice_presence_wrong')
/** From a join or leave until everyone sees it. */
export const presenceMs = new Trend('sluice_presence_ms', true)

/** Of every script. */
export const LOSSLESS = {
  // The promise of a room with history is absolute, so one is one too many.
  sluice_lost: ['count==0'],
  sluice_doubled: ['count==0'],
  // Nothing is asked that may be refused, and no fault is made: an error is the installation's.
  sluice_errors: ['count==0'],
  // A run in which nothing arrived has proven nothing.
  sluice_delivered: ['count>0'],
}

/** Where nobody makes sockets end: gateways close only with 1012, which is not counted. */
export const STAYS_OPEN = { sluice_closes: ['count==0'] }

/** Who waits for an acknowledgement is a user with a spinner: half a second is seen, two are a complaint. */
export const ACKNOWLEDGED = { sluice_ack_ms: [`p(95)<${settings.ackP95Ms}`, `p(99)<${settings.ackP95Ms * 4}`] }

/** A conversation feels live below half a second. */
export const DELIVERED = {
  sluice_delivery_ms: [`p(95)<${settings.deliveryP95Ms}`, `p(99)<${settings.deliveryP95Ms * 4}`],
}

/** Everyone came to the end: an exception in a script, or a wait without end, would judge too few. */
export function everyoneDone(users: number) {
  return { sluice_done: [`count==${users}`] }
}

/** Back-off grows to seconds with full jitter; who takes longer than this has been refused again and again. */
export const RECOVERS = {
  sluice_recovered: ['rate==1'],
  sluice_recovery_ms: [`p(95)<${settings.recoveryP95Ms}`],
}
