// The module `k6/timers`, as far as the scripts use it: Node's, which take the same arguments.
import { clearTimeout as clear, setTimeout as set } from 'node:timers'

/** Calls a function later, once. */
export const setTimeout: (work: () => void, ms: number) => NodeJS.Timeout = (work, ms) => set(work, ms)

/** Takes that back. */
export const clearTimeout: (timer: NodeJS.Timeout) => void = (timer) => clear(timer)
