// The runner's leash: a process of its own that ends what the runner has started if the runner dies without saying so (kill
// -9, out of memory). It learns which processes live through its standard input and acts when that closes. Not imported: the
// supervisor starts it.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** How long the processes get between SIGTERM and SIGKILL. */
const GRACE_MS = 4_000

const living = new Set<number>()

// Ctrl-C is the runner's business; the leash goes when its input closes.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
process.on('SIGHUP', () => undefined)

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1))
  if (line.startsWith('+')) living.add(pid)
  else living.delete(pid)
}

// After an orderly stop the set is empty and nothing is done here.
signalAll('SIGTERM')
for (let waited = 0; waited < GRACE_MS && signalAll(0); waited += 100) await pause(100)
signalAll('SIGKILL')

/** Signals the group of each living process; returns whether any is left. */
function signalAll(signal: NodeJS.Signals | 0): boolean {
  for (const pid of [...living]) {
    try {
      process.kill(-pid, signal)
    } catch {
      // It is gone, and its number must not be used again.
      living.delete(pid)
    }
  }
  return living.size > 0
}
