// Keeps this process's lease: renews it by compare-and-set, and takes a new instance when it was declared dead. Runs on a
// connection of its own, as nothing may stand before a renewal. Who else is alive is judged elsewhere.

import { readKeyAtLeader, writeKey } from './key-write.ts'
import type { NatsPort } from './port.ts'

/** See {@link keepLease}. */
export interface LeaseKeeperOptions {
  readonly nats: NatsPort
  readonly bucket: string
  /** The key of an instance's lease. */
  readonly keyOf: (instance: string) => string
  /** A new name, never used again. */
  readonly newInstance: () => string
  /** What to write, for the instance and the number of the renewal. */
  readonly encode: (instance: string, beat: number) => Uint8Array
  /** Whether a value at our key means that a router has declared us dead. */
  readonly isDead: (value: Uint8Array) => boolean
  readonly renewMs: number
  readonly nowMs: () => number
  /** The lease was lost: this process goes on under the new instance, and announces everything again. */
  readonly onLost: (lost: string, next: string) => void
  /** Told of each attempt that failed and is repeated. */
  readonly onRetry: (reason: string) => void
}

/** A kept lease. */
export interface LeaseKeeper {
  readonly instance: string
  /** Whether the lease is known to be stored. */
  readonly held: boolean
  /** When the last renewal that was stored was sent; null before the first. */
  readonly renewedAt: number | null
  /** When the renewal with that number was sent, if it was one of the last few. */
  sentAt(beat: number): number | null
  /** Renews now: what the lease says has changed. */
  renew(): Promise<void>
  /** Ends the lease, at once known to everyone. */
  release(): Promise<void>
}

/** Renewals whose times are remembered: those that can still come back. */
const BEATS_MAX = 64

/** Takes a lease and keeps it. */
export function keepLease(options: LeaseKeeperOptions): LeaseKeeper {
  const { nats, bucket, keyOf, encode, isDead, nowMs, onLost, onRetry } = options
  let instance = options.newInstance()
  /** The revision that our key has; null while that must be asked. */
  let revision: number | null = 0
  let held = false
  let renewedAt: number | null = null
  let beat = 0
  let renewing: Promise<void> | null = null
  let released = false
  const sent = new Map<number, number>()

  async function attempt(): Promise<void> {
    if (revision === null && !(await findRevision())) return
    beat++
    const sentMs = nowMs()
    sent.set(beat, sentMs)
    sent.delete(beat - BEATS_MAX)
    const result = await writeKey(nats, {
      bucket,
      key: keyOf(instance),
      value: encode(instance, beat),
      expected: revision ?? 0,
    })
    switch (result.kind) {
      case 'stored':
        revision = result.revision
        held = true
        renewedAt = sentMs
        return
      case 'conflict':
      case 'unknown':
        // It may have been stored, or another's value may stand there: the leader knows.
        revision = null
        if (result.kind === 'unknown') onRetry(result.reason)
        else await findRevision()
    }
  }

  /** Asks the leader what stands at our key; whether the next renewal can go on from there. */
  async function findRevision(): Promise<boolean> {
    try {
      const stored = await readKeyAtLeader(nats, bucket, keyOf(instance))
      if (stored !== null && (stored.deleted || isDead(stored.value))) lose()
      else revision = stored?.revision ?? 0
      return true
    } catch (error) {
      onRetry(error instanceof Error ? error.message : String(error))
      return false
    }
  }

  function lose(): void {
    const lost = instance
    instance = options.newInstance()
    revision = 0
    held = false
    onLost(lost, instance)
  }

  function renew(): Promise<void> {
    if (released) return Promise.resolve()
    renewing ??= attempt().finally(() => {
      renewing = null
    })
    return renewing
  }

  const timer = setInterval(() => void renew(), options.renewMs)
  void renew()
  return {
    get instance() {
      return instance
    },
    get held() {
      return held
    },
    get renewedAt() {
      return renewedAt
    },
    sentAt: (number) => sent.get(number) ?? null,
    async renew() {
      // One that is under way has encoded the old state.
      await renewing
      await renew()
    },
    async release() {
      released = true
      clearInterval(timer)
      await renewing
      await writeKey(nats, { bucket, key: keyOf(instance), value: null })
    },
  }
}
