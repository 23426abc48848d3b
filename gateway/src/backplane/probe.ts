// The readiness probe: a publish on our own prefix that must come back to us. It proves more than a connection: permissions,
// prefix, and that our subscriptions are heard. Owns the pace; what follows from it is admin/readiness.ts's.
import type { Backplane } from './backplane.ts'

/** See {@link createProbe}. */
export interface ProbeOptions {
  readonly backplane: Pick<Backplane, 'publish'>
  /** A subject that this gateway listens to anyway and that no socket has. */
  readonly subject: string
  /** Between two probes, and how long one may take, in milliseconds. */
  readonly everyMs: number
  readonly nowMs: () => number
  readonly onResult: (came: boolean) => void
}

/** A running probe. */
export interface Probe {
  /** Monotonic milliseconds at which the last probe came back; null until the first has. */
  readonly cameBackAt: number | null
  /** A message on the probe's subject has arrived. */
  received(payload: Uint8Array): void
  stop(): void
}

/** Starts probing at once. */
export function createProbe({ backplane, subject, everyMs, nowMs, onResult }: ProbeOptions): Probe {
  let cameBackAt: number | null = null
  let sent = 0
  let waiting = false

  function send(): void {
    if (waiting) onResult(false)
    sent++
    waiting = true
    backplane.publish(subject, Buffer.from(`${sent}`))
  }

  send()
  const timer = setInterval(send, everyMs)
  return {
    get cameBackAt() {
      return cameBackAt
    },
    received(payload) {
      if (!waiting || Buffer.from(payload).toString() !== `${sent}`) return
      waiting = false
      cameBackAt = nowMs()
      onResult(true)
    },
    stop: () => clearInterval(timer),
  }
}
