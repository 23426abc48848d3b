// One attempt at a socket: the address, the token, the opening. It tells its outcome once, to one listener; cancelled, it tells
// nothing more.
import type { Ambient, Cancel } from './ambient.ts'
import type { End } from './connection-state.ts'
import type { FrameCodec } from './frame-codec.ts'
import { Link, type LinkListener } from './link.ts'
import type { Address, Settings } from './options.ts'
import type { TokenSource } from './token-source.ts'

/** What every attempt of a client has in common. */
export interface AttemptOptions {
  readonly ambient: Ambient
  readonly address: Address
  readonly codec: FrameCodec
  readonly tokens: TokenSource
  readonly settings: Settings
}

/** Who is told; `failed` where there was no socket at all. */
export interface AttemptListener extends LinkListener {
  failed(end: End): void
}

/**
 * Begins an attempt.
 *
 * @param freshToken - whether the last token was refused
 * @returns cancels it, as long as there is no `welcome`
 */
export function attempt(options: AttemptOptions, freshToken: boolean, listener: AttemptListener): Cancel {
  const cancelled = new AbortController()
  const { signal } = cancelled
  let link: Link | null = null

  async function open(): Promise<void> {
    const { ambient, address, codec, tokens, settings } = options
    try {
      const [url, token] = await Promise.all([addressOf(address), tokens.get(freshToken, signal)])
      if (signal.aborted) return
      link = new Link(ambient, { ...settings, url, token, codec }, listener)
    } catch (error) {
      if (!signal.aborted)
        listener.failed({ code: null, reason: error instanceof Error ? error.message : String(error) })
    }
  }

  void open()
  return () => {
    cancelled.abort()
    link?.close(1000)
  }
}

/** As a WebSocket takes it; `http` and `https` are understood as what they carry. */
async function addressOf(address: Address): Promise<string> {
  const given = typeof address === 'function' ? await address() : address
  return String(given).replace(/^http/, 'ws')
}
