// Runs scenarios as k6 does: who begins an iteration when, and what is left when the time is over. It knows nothing of sockets and metrics;
// an iteration is a function that may fail.
import type { AnyScenario, ConstantArrivalRate, ConstantVus, PerVuIterations } from './script-options.ts'

/** What an iteration is told of itself. */
export interface Iteration {
  readonly scenario: string
  /** Of its user, from 1, unique in the run. */
  readonly vu: number
  /** In the scenario, from 0. */
  readonly inTest: number
  /** Of its user in the scenario, from 0. */
  readonly inVu: number
}

/** What executors need. */
export interface ExecutorPort {
  readonly nowMs: () => number
  /** Ends early, without an error, when the signal comes. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Never rejects: what a script throws is told elsewhere. */
  readonly iterate: (iteration: Iteration) => Promise<void>
  /** The number of a new user. */
  readonly nextVu: () => number
}

/** What came of a scenario. */
export interface Outcome {
  readonly iterations: number
  /** Under way when the time was over, the graceful stop included: what they would have found is not known. */
  readonly interrupted: number
  /** Of an arrival rate: nobody was free. */
  readonly dropped: number
}

/** Runs one scenario to its end. */
export async function runScenario(scenario: AnyScenario, port: ExecutorPort): Promise<Outcome> {
  await port.pause(scenario.startAfterMs)
  const run = new ScenarioRun(scenario, port)
  switch (scenario.executor) {
    case 'per-vu-iterations':
      return run.finish(perVu(scenario, run), scenario.maxDurationMs)
    case 'constant-vus':
      return run.finish(constant(scenario, run), scenario.durationMs)
    case 'constant-arrival-rate':
      return run.finish(arrivals(scenario, run), scenario.durationMs)
  }
}

/** The iterations of one scenario, counted. */
class ScenarioRun {
  readonly port: ExecutorPort
  readonly beganAt: number
  readonly #scenario: AnyScenario
  #begun = 0
  #ended = 0
  dropped = 0
  over = false

  constructor(scenario: AnyScenario, port: ExecutorPort) {
    this.#scenario = scenario
    this.port = port
    this.beganAt = port.nowMs()
  }

  async iterate(vu: number, inVu: number): Promise<void> {
    await this.port.iterate({ scenario: this.#scenario.name, vu, inTest: this.#begun++, inVu })
    this.#ended++
  }

  /** Waits for the work, but no longer than the scenario may take; nothing begins after that. */
  async finish(work: Promise<unknown>, durationMs: number): Promise<Outcome> {
    const cancel = new AbortController()
    const time = this.port.pause(durationMs, cancel.signal).then(() => {
      this.over = true
      return this.port.pause(this.#scenario.gracefulStopMs, cancel.signal)
    })
    await Promise.race([work, time])
    cancel.abort()
    this.over = true
    return { iterations: this.#ended, interrupted: this.#begun - this.#ended, dropped: this.dropped }
  }
}

function perVu({ vus, iterations }: PerVuIterations, run: ScenarioRun): Promise<unknown> {
  return everyVu(vus, run, async (vu) => {
    for (let inVu = 0; inVu < iterations && !run.over; inVu++) await run.iterate(vu, inVu)
  })
}

function constant({ vus }: ConstantVus, run: ScenarioRun): Promise<unknown> {
  return everyVu(vus, run, async (vu) => {
    for (let inVu = 0; !run.over; inVu++) await run.iterate(vu, inVu)
  })
}

async function arrivals({ rate, timeUnitMs, durationMs, maxVus }: ConstantArrivalRate, run: ScenarioRun) {
  const free = Array.from({ length: maxVus }, () => ({ vu: run.port.nextVu(), iterations: 0 }))
  const working = new Set<Promise<void>>()
  const everyMs = timeUnitMs / rate
  for (let arrival = 0; arrival * everyMs < durationMs && !run.over; arrival++) {
    await run.port.pause(run.beganAt + arrival * everyMs - run.port.nowMs())
    const user = free.shift()
    if (user === undefined) {
      run.dropped++
      continue
    }
    const work = run.iterate(user.vu, user.iterations++).then(() => {
      free.push(user)
      working.delete(work)
    })
    working.add(work)
  }
  await Promise.all(working)
}

function everyVu(vus: number, run: ScenarioRun, work: (vu: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: vus }, () => work(run.port.nextVu())))
}
