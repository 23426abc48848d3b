// What the library takes of the world: clocks, chance, timers, the WebSocket of the platform, the hints of a browser. The only
// place that asks whether this is a browser or Node; everything else is handed an Ambient, so that tests can turn the clock.

/** The part of a WebSocket that is used: that of browsers, of Node, and of the package `ws`. */
export interface SocketLike {
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(message: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
}

/** What makes one. */
export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike

/** Ends what was begun: a timer, a listening. */
export type Cancel = () => void

/** The world as the library sees it. */
export interface Ambient {
  readonly WebSocket: SocketConstructor
  /** Milliseconds that only grow, and that also count the time in which the machine slept. */
  nowMs(): number
  /** Unix time in milliseconds. */
  wallMs(): number
  /** From 0 to below 1. */
  random(): number
  /** A text that nobody else makes, of 22 characters. */
  newKey(): string
  timer(delayMs: number, fire: () => void): Cancel
  /** Calls back when the network or the user has returned. */
  onWake(wake: () => void): Cancel
  /** Tells of a fault that nobody else listens to, without harm to anyone. */
  report(fault: unknown): void
}

interface Globals {
  readonly WebSocket?: SocketConstructor
  readonly document?: { readonly visibilityState: string } & Listening
  readonly addEventListener?: Listening['addEventListener']
  readonly reportError?: (fault: unknown) => void
  readonly process?: { emitWarning?(warning: string): void }
}

interface Listening {
  /** A controller has a signal, as the options have that end the listening. */
  addEventListener(type: string, listener: () => void, options: { readonly signal: AbortSignal }): void
}

/** Timers of platforms overflow beyond it, and fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** The platform on which this runs; null if it has no WebSocket and none is given, as with Node 20. */
export function platform(WebSocket?: SocketConstructor): Ambient | null {
  const globals = globalThis as unknown as Globals
  const Socket = WebSocket ?? globals.WebSocket
  if (Socket === undefined) return null
  return {
    WebSocket: Socket,
    nowMs: createElapsed(() => performance.now(), wallMs),
    wallMs,
    random: Math.random,
    newKey,
    timer(delayMs, fire) {
      const timer = setTimeout(fire, Math.min(delayMs, TIMER_MS_MAX))
      return () => clearTimeout(timer)
    },
    onWake: (wake) => listenForWake(globals, wake),
    report(fault) {
      if (globals.reportError !== undefined) globals.reportError(fault)
      else globals.process?.emitWarning?.(`a listener of @sluice/client has thrown: ${String(fault)}`)
    },
  }
}

/** A step of the wall clock against the monotonic one that is no rounding and no slow drift. */
const STEP_MS = 1000

/**
 * A clock out of two, of which each alone is wrong: monotonic ones stand still on some machines while these sleep, and wall clocks
 * are set. It goes with the monotonic one, and by the step with which the wall clock has run ahead.
 */
export function createElapsed(monotonicMs: () => number, wallClockMs: () => number): () => number {
  let sleptMs = 0
  let apartMs = wallClockMs() - monotonicMs()
  return () => {
    const monotonic = monotonicMs()
    const stepMs = wallClockMs() - monotonic - apartMs
    if (Math.abs(stepMs) > STEP_MS) {
      apartMs += stepMs
      sleptMs += Math.max(0, stepMs)
    }
    return monotonic + sleptMs
  }
}

function wallMs(): number {
  return Date.now()
}

/** 128 bits, as base64 of the form for URLs. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .slice(0, 22)
}

function listenForWake({ document, addEventListener }: Globals, wake: () => void): Cancel {
  const listening = new AbortController()
  const seen = (): void => {
    if (document?.visibilityState === 'visible') wake()
  }
  // Node has neither, and some workers have no document.
  for (const type of ['online', 'pageshow']) addEventListener?.(type, wake, listening)
  document?.addEventListener('visibilitychange', seen, listening)
  return () => listening.abort()
}
