// Waits for the streams of the configuration when a gateway starts: routers make them, and until they are there this gateway is not ready.
import { createHistoryStores, type InboxSettings, type Namespaces } from '@sluice/proto'

/** See {@link createStreamWait}. */
export interface StreamWaitOptions {
  readonly prefix: string
  readonly namespaces: () => Namespaces
  readonly inbox: () => InboxSettings
  /** Null where there is no such stream; rejects where nobody answers. */
  readonly state: (stream: string) => Promise<object | null>
  readonly nowMs: () => number
}

/** The waiting. */
export interface StreamWait {
  /** Whether all of them were there at one time. */
  readonly seen: boolean
  tick(): void
}

const EVERY_MS = 500

/** The streams that a configuration wants. */
export function wantedStreams({ prefix, namespaces, inbox }: Omit<StreamWaitOptions, 'state' | 'nowMs'>): string[] {
  const stores = createHistoryStores(prefix)
  const rooms = Object.entries(namespaces()).filter(([, { history }]) => history !== false)
  const streams = rooms.map(([name]) => stores.room(name).stream)
  return inbox().history === false ? streams : [...streams, stores.inbox.stream]
}

/** Begins to wait. */
export function createStreamWait(options: StreamWaitOptions): StreamWait {
  const found = new Set<string>()
  let seen = false
  let asking = false
  let askedAt = Number.NEGATIVE_INFINITY

  async function ask(): Promise<void> {
    const missing = wantedStreams(options).filter((stream) => !found.has(stream))
    for (const stream of missing) if ((await options.state(stream)) !== null) found.add(stream)
    seen = wantedStreams(options).every((stream) => found.has(stream))
  }

  return {
    get seen() {
      return seen
    },
    tick() {
      const now = options.nowMs()
      if (seen || asking || now - askedAt < EVERY_MS) return
      asking = true
      askedAt = now
      ask()
        // NATS is away: asked again at the next look.
        .catch(() => undefined)
        .finally(() => {
          asking = false
        })
    },
  }
}
