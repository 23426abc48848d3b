// What the modules `k6/…` stand on while a script runs: the metrics of the run, and which iteration is calling. k6 gives each user a
// world of its own; here one process is shared, so whose call it is follows the asynchronous chain from the iteration's first one.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Iteration } from './executors.ts'
import { createMetrics } from './metrics.ts'

/** The metrics of this process's run; scripts make theirs while they are loaded. */
export const metrics = createMetrics()

/** The iteration that is calling; undefined while a script is loaded and in its `setup`. */
export const currentIteration = new AsyncLocalStorage<Iteration & { readonly sockets: Set<{ terminate(): void }> }>()

/**
 * The iteration that is calling.
 *
 * @throws Error where there is none, as in k6
 */
export function iterationOf(what: string): Iteration & { readonly sockets: Set<{ terminate(): void }> } {
  const iteration = currentIteration.getStore()
  if (iteration === undefined) throw new Error(`${what} is there while an iteration runs only`)
  return iteration
}
