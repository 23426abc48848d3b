// Preloaded into a process of a test: its wall clock is off by what a file says, and jumps when the file changes; the monotonic clock goes on
// as it does. The product knows nothing of it.
import { readFileSync } from 'node:fs'

const file = process.env.TEST_CLOCK_SHIFT_FILE ?? ''
const LOOK_MS = 50
const trueNow = Date.now.bind(Date)
const TrueDate = Date
let shiftMs = 0

function look(): void {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    // Not written yet.
  }
}

look()
setInterval(look, LOOK_MS).unref()
Date.now = () => trueNow() + shiftMs
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, given: unknown[]) =>
    Reflect.construct(target, given.length === 0 ? [trueNow() + shiftMs] : given) as Date,
})
