// Preloaded into a service under test: on SIGUSR2 it collects garbage and prints what is left, as a line of the log. Needs
// --expose-gc. The service itself is not changed for the benchmark.
import { writeSync } from 'node:fs'

const STDOUT = 1

process.on('SIGUSR2', () => {
  // The second one frees what finalizers of the first have let go of.
  for (let at = 0; at < 2; at++) globalThis.gc?.()
  const { heapUsed } = process.memoryUsage()
  writeSync(STDOUT, `${JSON.stringify({ level: 'info', msg: 'memory', heapBytes: heapUsed })}\n`)
})
