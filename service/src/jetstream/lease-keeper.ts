// Keeps this process's lease: renews it by compare-and-set, and takes a new instance when it was declared dead. Runs on a
// connection of its own, as nothing may stand before a renewal. Who else is alive is fleet.ts's question.
import { readKeyAtLeader, writeKey } from './key-write.ts'
import type { NatsPort } from './port.ts'

/** See {@link keepLease}. */
export interface LeaseKeeperOptions<instance extends string> {
  readonly nats: NatsPort
  /** The stream of the bucket of leases. */
  readonly stream: string
  /** The subject of an instance's lease, as that stream stores it. */
  readonly subjectOf: (instance: instance) => string
  /** A new name, never used again. */
  readonly newInstance: () => instance
  /** What to write for an instance, asked at each renewal. */
  readonly encode: (instance: instance) => Uint8Array
  /** Whether a value at our key means that a router has declared us dead. */
  readonly isDead: (value: Uint8Array) => boolean
  readonly renewMs: number
  /** After so long without a renewal others may have declared us dead. */
  readonly deadAfterMs: number
  readonly nowMs: () => number
  /** A renewal was stored. */
  readonly onStored: (revision: number, sentMs: number) => void
  /**
   * The lease was lost: this process goes on under the new instance, and announces everything again.
   *
   * @param over - whether its time was over: others have taken everything of it for gone
   */
  readonly onLost: (lost: instance, next: instance, over: boolean) => void
  /** Told of each attempt that failed and is repeated. */
  readonly onRetry: (reason: string) => void
}

/** A kept lease. */
export interface LeaseKeeper<instance extends string> {
  readonly instance: instance
  /** When the last renewal that was stored was sent, in monotonic milliseconds; null before the first of this instance. */
  readonly renewedAt: number | null
  /** Renews now: what the lease says has changed. One that is under way has said the old state, so it is waited for. */
  renew(): Promise<void>
  /** Renews now, over a connection that is new: what is under way was sent over the old one, and its answer is not waited for. */
  reconnected(): void
  /** Ends the lease, at once known to everyone. */
  release(): Promise<void>
}

/** Takes a lease and keeps it. */
export function keepLease<instance extends string>(options: LeaseKeeperOptions<instance>): LeaseKeeper<instance> {
  const { nats, stream, subjectOf, encode, isDead, nowMs, onStored, onLost, onRetry } = options
  let instance = options.newInstance()
  /** The revision that our key has; null while that must be asked. */
  let revision: number | null = 0
  let renewedAt: number | null = null
  let renewing: Promise<void> | null = null
  /** Counts them: an answer to any but the last comes too late to mean anything. */
  let attempts = 0
  let released = false

  async function attempt(): Promise<void> {
    const current = ++attempts
    if (revision === null && !(await findRevision(current))) return
    const sentMs = nowMs()
    const [subject, value] = [subjectOf(instance), encode(instance)]
    const result = await writeKey(nats, { subject, value, expected: revision ?? 0 })
    if (current !== attempts) return
    if (result.kind === 'stored') {
      revision = result.revision
      renewedAt = sentMs
      onStored(result.revision, sentMs)
      return
    }
    // It may have been stored, or another's value may stand there: the leader knows.
    revision = null
    if (result.kind === 'unknown') onRetry(result.reason)
    else await findRevision(current)
  }

  /** Asks the leader what stands at our key; whether the next renewal can go on from there. */
  async function findRevision(current: number): Promise<boolean> {
    try {
      const stored = await readKeyAtLeader(nats, stream, subjectOf(instance))
      if (current !== attempts) return false
      // What is absent may be a bucket that was lost; but after our time is over routers may have buried us, and no trace is left.
      const buried = stored === null ? isOver() : stored.deleted || isDead(stored.value)
      if (buried) lose()
      else revision = stored?.revision ?? 0
      return true
    } catch (error) {
      if (current === attempts) onRetry(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  function isOver(): boolean {
    return renewedAt !== null && nowMs() - renewedAt > options.deadAfterMs
  }

  function lose(): void {
    const lost = instance
    const over = isOver()
    instance = options.newInstance()
    revision = 0
    renewedAt = null
    onLost(lost, instance, over)
  }

  function start(): Promise<void> {
    if (released) return Promise.resolve()
    if (renewing !== null) return renewing
    const started = attempt().finally(() => {
      if (renewing === started) renewing = null
    })
    renewing = started
    return started
  }

  const timer = setInterval(() => void start(), options.renewMs)
  void start()
  return {
    get instance() {
      return instance
    },
    get renewedAt() {
      return renewedAt
    },
    async renew() {
      await renewing
      await start()
    },
    reconnected() {
      if (renewing !== null) {
        attempts++
        renewing = null
        // The one under way may have been stored.
        revision = null
      }
      void start()
    },
    async release() {
      released = true
      clearInterval(timer)
      await renewing
      await writeKey(nats, { subject: subjectOf(instance), value: null })
    },
  }
}
