// The wall clock of one process, in a test's hand; see shifted-clock.ts.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Stage } from './stage.ts'

/** A clock that a test sets. */
export interface ShiftedClock {
  /** Variables for the process. */
  readonly env: NodeJS.ProcessEnv
  /** Sets it off the true time; the process notices within some tens of milliseconds. */
  jump(ms: number): void
}

const PRELOAD = pathToFileURL(resolve(import.meta.dirname, 'shifted-clock.ts')).href

/** Makes a clock that is right. */
export function shiftedClock(stage: Stage): ShiftedClock {
  const file = join(stage.folder(), 'shift')
  const jump = (ms: number): void => writeFileSync(file, `${ms}`)
  jump(0)
  return { env: { NODE_OPTIONS: `--import=${PRELOAD}`, TEST_CLOCK_SHIFT_FILE: file }, jump }
}
