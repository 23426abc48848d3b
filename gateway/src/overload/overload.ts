// Watches the event loop and the memory of the process once a second, and says whether new sockets are refused. The decision is
// decide-overload.ts's, the refusal accept's; nothing else in the gateway behaves differently under load.
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
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
  const memoryBytesMax = memoryLimit()
  let lookedAtMs = nowMs()
  let state: OverloadState = AT_EASE

  function look(atMs: number): void {
    const load = {
      eventLoopDelayMs: loop.take(),
      heapPercent: heapPercent(),
      memoryPercent: (100 * process.memoryUsage.rss()) / memoryBytesMax,
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

/** The limit of the container, or the memory of the machine: Node gives 0, or far more than there is, where no limit is set. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

/** What is not collected yet counts too, so a look can find more than will stay: the hysteresis is wide enough for that. */
function heapPercent(): number {
  const { used_heap_size, heap_size_limit } = getHeapStatistics()
  return (100 * used_heap_size) / heap_size_limit
}

/** For the log, in whole numbers. */
function rounded({ eventLoopDelayMs, heapPercent, memoryPercent }: Load): Load {
  return {
    eventLoopDelayMs: Math.round(eventLoopDelayMs),
    heapPercent: Math.round(heapPercent),
    memoryPercent: Math.round(memoryPercent),
  }
}
