// One socket, from its opening to its end: signs in, decodes frames, keeps the heartbeat. It ends once, for whoever holds it, and
// says nothing after that. What an end means, and what frames mean, is not known here.
import type { Ambient, Cancel, SocketLike } from './ambient.ts'
import type { End } from './connection-state.ts'
import type { FrameCodec } from './frame-codec.ts'
import { doubted, type Heartbeat, heard, type Look, looked, stoodStill } from './heartbeat-state.ts'
import { countOf, type Frame, isFrame, textOf } from './server-frame.ts'

/** What `welcome` has told. */
export interface Welcome {
  readonly session: string
  readonly user: string
  readonly gateway: string
  /** What is left of the token's life, in milliseconds from now; undefined if it does not end. */
  readonly expiresInMs: number | undefined
  readonly heartbeatMs: number
  readonly limits: Frame
  readonly features: ReadonlySet<unknown>
  /** The gateway's clock, Unix time in milliseconds. */
  readonly time: number | undefined
}

/** How a socket is opened. */
export interface LinkOptions {
  readonly url: string
  readonly token: string | null
  readonly codec: FrameCodec
  /** From the upgrade's start to `welcome`. */
  readonly openTimeoutMs: number
  readonly probeMs: number
}

/** Who is told of it. */
export interface LinkListener {
  /** Signed in: `welcome` is there. */
  welcomed(link: Link): void
  /** A frame after `welcome`. */
  received(link: Link, frame: Frame): void
  /** It is over, and nobody here has asked for that. */
  ended(link: Link, end: End): void
}

/** What this client closes a socket with that it has given up: the gateway then knows that nobody has left. */
export const GIVEN_UP_CODE = 4009

/** The heartbeat of a gateway that tells none. */
const HEARTBEAT_MS = 25_000

/** A token of these characters fits into a subprotocol's name (RFC 7230, token). */
const fitsSubprotocol = /^[\w.~+-]+$/

/** See the head of the file. */
export class Link {
  readonly #ambient: Ambient
  readonly #options: LinkOptions
  readonly #listener: LinkListener
  readonly #socket: SocketLike
  #welcome: Welcome | null = null
  #welcomedAtMs = 0
  #over = false
  #heartbeat: Heartbeat
  #timer: Cancel

  /** Begins to open it. Throws what the platform throws for an address that is none. */
  constructor(ambient: Ambient, options: LinkOptions, listener: LinkListener) {
    const { url, token, codec, openTimeoutMs } = options
    this.#ambient = ambient
    this.#options = options
    this.#listener = listener
    const inFrame = token !== null && !fitsSubprotocol.test(token)
    const protocols = [codec.subprotocol]
    // There it stays out of addresses, and with that out of logs and histories [P-3.4].
    if (token !== null && !inFrame) protocols.push(`bearer.${token}`)
    const socket = new ambient.WebSocket(url, protocols)
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      if (inFrame) this.send(codec.encode({ type: 'auth', token }))
    }
    socket.onmessage = ({ data }: { data: unknown }) => this.#receive(data)
    socket.onclose = ({ code, reason }: { code: number; reason: string }) => this.#end({ code, reason })
    // A close follows, which says more. The listener stays to the end: without one `ws` throws.
    socket.onerror = () => undefined
    this.#heartbeat = heard(ambient.nowMs(), this.#patience)
    this.#timer = ambient.timer(openTimeoutMs, () => this.#giveUp('no welcome in time'))
  }

  /** Null until it has come. */
  get welcome(): Welcome | null {
    return this.#welcome
  }

  get over(): boolean {
    return this.#over
  }

  /** What the gateway's clock shows now, Unix time in milliseconds. */
  gatewayMs(): number {
    const { nowMs, wallMs } = this.#ambient
    const time = this.#welcome?.time
    return time === undefined ? wallMs() : time + nowMs() - this.#welcomedAtMs
  }

  /** Sends an encoded frame; a socket that is closing drops it, and its end follows. */
  send(message: string | Uint8Array): void {
    if (this.#over) return
    try {
      this.#socket.send(message as string | Uint8Array<ArrayBuffer>)
    } catch {
      // Only a socket that is not open yet, or no longer, throws here, and its end is told by its own event.
    }
  }

  /** Ends it without telling anyone. */
  close(code: number, reason = ''): void {
    if (this.#over) return
    this.#leave()
    try {
      this.#socket.close(code, reason)
    } catch {
      // A socket of some platform that takes no such code. It is left to the gateway, which finds it silent.
      this.#socket.close()
    }
  }

  /** There is reason to doubt that it still lives: asks, and gives it up soon if there is no answer. */
  doubt(): void {
    if (this.#welcome !== null && !this.#over)
      this.#act(doubted(this.#heartbeat, this.#ambient.nowMs(), this.#patience))
  }

  get #patience(): { heartbeatMs: number; probeMs: number } {
    return { heartbeatMs: this.#welcome?.heartbeatMs ?? HEARTBEAT_MS, probeMs: this.#options.probeMs }
  }

  #receive(data: unknown): void {
    if (this.#over) return
    const nowMs = this.#ambient.nowMs()
    const asked = this.#heartbeat.askedAtMs !== null
    const doubtful = stoodStill(this.#heartbeat, nowMs)
    this.#heartbeat = heard(nowMs, this.#patience)
    const frame = this.#options.codec.decode(data)
    if (isFrame(frame)) {
      if (this.#welcome !== null) this.#listener.received(this, frame)
      else if (frame.type === 'welcome') this.#begin(frame)
    }
    if (doubtful) this.doubt()
    // While nothing is asked the timer that runs looks early enough, and is not set anew for each frame.
    else if (asked && !this.#over) this.#watch()
  }

  #begin(frame: Frame): void {
    const [time, expiresAt] = [countOf(frame, 'time'), countOf(frame, 'expiresAt')]
    this.#welcome = {
      session: textOf(frame, 'session') ?? '',
      user: textOf(frame, 'user') ?? '',
      gateway: textOf(frame, 'gateway') ?? '',
      expiresInMs: expiresAt === undefined ? undefined : expiresAt - (time ?? this.#ambient.wallMs()),
      heartbeatMs: countOf(frame, 'heartbeatMs') || HEARTBEAT_MS,
      limits: isFrame(frame.limits) ? frame.limits : {},
      features: new Set(Array.isArray(frame.features) ? frame.features : []),
      time,
    }
    this.#welcomedAtMs = this.#ambient.nowMs()
    this.#heartbeat = heard(this.#welcomedAtMs, this.#patience)
    this.#watch()
    this.#listener.welcomed(this)
  }

  #watch(): void {
    this.#timer()
    const { nowMs } = this.#ambient
    this.#timer = this.#ambient.timer(Math.max(0, this.#heartbeat.lookAtMs - nowMs()), () =>
      this.#act(looked(this.#heartbeat, nowMs(), this.#patience)),
    )
  }

  #act({ heartbeat, act }: Look): void {
    this.#heartbeat = heartbeat
    if (act === 'give-up') return this.#giveUp('no sign of life')
    if (act === 'ping') this.send(this.#options.codec.encode({ type: 'ping' }))
    this.#watch()
  }

  #giveUp(reason: string): void {
    this.close(GIVEN_UP_CODE, reason)
    this.#listener.ended(this, { code: 1006, reason })
  }

  #end(end: End): void {
    if (this.#over) return
    this.#leave()
    this.#listener.ended(this, end)
  }

  #leave(): void {
    this.#over = true
    this.#timer()
    Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null })
  }
}
