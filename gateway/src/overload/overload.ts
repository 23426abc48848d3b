// Watches the event loop and the memory of the process once a second, and says whether new sockets are refused. The decision is
// decide-overload.ts's, the refusal accept's; nothing else in the gateway behaves differently under load.
import type { Logger } from '@sluice/service/log'
import {
  AT_EASE,
  decideOverload,
  type Load,
  type OverloadRules,
  type OverloadState,
  type Shortage,
} from './decide-overload.ts'
import { createLoopDelay } from './loop-delay.ts'
import { heapPercent, memoryBytesMax, memoryPercent } from './memory.ts'

/** See {@link startOverload}. */
export interface OverloadOptions {
  readonly rules: OverloadRules
  readonly log: Pick<Logger, 'warn' | 'info'>
  readonly nowMs: () => number
}

/** A watch over the process. */
export interface Overload {
  /** What new sockets are refused for; null while they are taken. */
  readonly shortage: Shortage | null
  stop(): void
}

/** Between two turns of the timer that finds the loop late: its cost is that of 20 empty timers a second. */
const TURN_MS = 50
/** Between two looks. */
const LOOK_MS = 1000

/** Begins to watch. The timer does not keep the process alive. */
export function startOverload({ rules, log, nowMs }: OverloadOptions): Overload {
  const loop = createLoopDelay(TURN_MS, nowMs())
  const bytesMax = memoryBytesMax()
  let lookedAtMs = nowMs()
  let state: OverloadState = AT_EASE

  function look(atMs: number): void {
    const load = {
      eventLoopDelayMs: loop.take(),
      heapPercent: heapPercent(),
      memoryPercent: memoryPercent(bytesMax),
    }
    const before = state.shortage
    state = decideOverload(state, load, atMs, rules)
    if (before === null && state.shortage !== null) {
      log.warn({ shortage: state.shortage, ...rounded(load) }, 'overloaded: new sockets are refused')
    } else if (before !== null && state.shortage === null) log.info(rounded(load), 'new sockets are taken again')
  }

  const timer = setInterval(() => {
    const atMs = nowMs()
    loop.turn(atMs)
    if (atMs - lookedAtMs < LOOK_MS) return
    lookedAtMs = atMs
    look(atMs)
  }, TURN_MS)
  timer.unref()
  return {
    get shortage() {
      return state.shortage
    },
    stop: () => clearInterval(timer),
  }
}

/** For the log, in whole numbers. */
function rounded(load: Load): Load {
  return {
    eventLoopDelayMs: Math.round(load.eventLoopDelayMs),
    heapPercent: Math.round(load.heapPercent),
    memoryPercent: Math.round(load.memoryPercent),
  }
}
