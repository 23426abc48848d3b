// Replaces the token of an open connection before it ends, by the frame `auth` [P-3.9]. Where that fails it tries again until the
// gateway closes the socket, whose code then says what to do.
import type { Ambient, Cancel } from './ambient.ts'
import { type Backoff, windowMs } from './connection-state.ts'
import type { Link } from './link.ts'
import type { Requests } from './requests.ts'
import { countOf } from './server-frame.ts'
import type { TokenSource } from './token-source.ts'

/** What it stands on. */
export interface RefreshOptions {
  readonly ambient: Ambient
  readonly requests: Requests
  readonly tokens: TokenSource
  readonly backoff: Backoff
  readonly timeoutMs: number
}

/** Keeps the token of a connection fresh until it is told to stop. */
export function keepTokenFresh(options: RefreshOptions, link: Link): Cancel {
  const { ambient, requests, tokens, backoff, timeoutMs } = options
  const stopped = new AbortController()
  const { signal } = stopped
  let failures = 0
  let timer: Cancel = () => undefined

  function wait(): void {
    // After a failure the connection still has its old token, whatever is known of a newer one.
    const dueInMs = failures === 0 ? tokens.renewInMs : ambient.random() * windowMs(failures - 1, backoff)
    if (dueInMs === null || signal.aborted) return
    timer = ambient.timer(dueInMs, () => void refresh())
  }

  function failed(): void {
    failures++
    wait()
  }

  async function refresh(): Promise<void> {
    try {
      const token = await tokens.get(true, signal)
      if (signal.aborted) return
      // Anonymous now: what is left of the old token still counts.
      if (token === null) return
      requests.ask(link, { type: 'auth', token }, timeoutMs, (answer) => {
        if (!answer.ok) return failed()
        failures = 0
        const expiresAt = countOf(answer.frame, 'expiresAt')
        tokens.endsIn(expiresAt === undefined ? undefined : expiresAt - link.gatewayMs())
        wait()
      })
    } catch {
      // The application could not give one. The token in use is good for some time yet.
      failed()
    }
  }

  wait()
  return () => {
    stopped.abort()
    timer()
  }
}
