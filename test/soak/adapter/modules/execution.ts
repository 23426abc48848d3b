// The module `k6/execution`, as far as the scripts use it: who is calling. It holds for what an iteration does, and for what follows from that.
import { iterationOf } from '../run-context.ts'

/** The user that is calling. */
export const vu = {
  /** From 1, unique in the run. */
  get idInTest(): number {
    return iterationOf('vu.idInTest').vu
  },
  /** Its iterations so far, from 0. */
  get iterationInScenario(): number {
    return iterationOf('vu.iterationInScenario').inVu
  },
}

/** The scenario of the caller. */
export const scenario = {
  get name(): string {
    return iterationOf('scenario.name').scenario
  },
  /** Of all iterations of the scenario, from 0. */
  get iterationInTest(): number {
    return iterationOf('scenario.iterationInTest').inTest
  },
}
