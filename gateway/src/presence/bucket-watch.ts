// Looks whether the bucket of presence is there, and whether it is still the one that we have written into. Routers make it; one
// that was lost and made again, or has lost its end, needs everything anew.
import type { NatsPort } from '@sluice/service/jetstream/port'
import { type StreamState, streamState } from '@sluice/service/jetstream/stream-info'

/** See {@link watchBucket}. */
export interface BucketWatchOptions {
  /** The connection that writes into it. */
  readonly nats: NatsPort
  /** The bucket's stream. */
  readonly stream: string
  /** It is there for the first time, or is another than before. */
  readonly onNew: () => void
  /** It could not be looked at; tried again. */
  readonly onFault: (reason: string) => void
}

/** A running watch. */
export interface BucketWatch {
  /** Looks now: after a reconnect, or when a write has failed. */
  check(): void
  stop(): void
}

/** Between two looks while it is there, and while it is not. */
const EVERY_MS = 5000
const RETRY_MS = 500

/** Begins to look, at once. */
export function watchBucket({ nats, stream, onNew, onFault }: BucketWatchOptions): BucketWatch {
  let known: StreamState | null = null
  let looking = false
  let stopped = false
  let timer: NodeJS.Timeout | null = null

  async function look(): Promise<number> {
    const state = await streamState(nats, stream)
    if (state === null) throw new Error(`there is no stream ${stream}`)
    const again = known?.created === state.created && state.lastSequence >= known.lastSequence
    known = state
    if (!again && !stopped) onNew()
    return EVERY_MS
  }

  function check(): void {
    if (looking || stopped) return
    looking = true
    if (timer !== null) clearTimeout(timer)
    void look()
      .catch((error: unknown) => {
        onFault(error instanceof Error ? error.message : String(error))
        return RETRY_MS
      })
      .then((waitMs) => {
        looking = false
        if (!stopped) timer = setTimeout(check, waitMs)
      })
  }

  check()
  return {
    check,
    stop() {
      stopped = true
      if (timer !== null) clearTimeout(timer)
    },
  }
}
