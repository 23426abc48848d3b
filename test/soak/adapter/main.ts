// `npm run soak`: runs a k6 script on Node. Loads the script as k6 would, runs its scenarios, judges its thresholds; the process with its
// options and its exit code. For where k6 is not to be had: what counts there as here is the same file.
import { writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseCommand } from './command-line.ts'
import { type ExecutorPort, type Iteration, type Outcome, runScenario } from './executors.ts'
import { offerK6Modules } from './k6-modules.ts'
import { currentIteration, metrics } from './run-context.ts'
import { readOptions } from './script-options.ts'
import { summarise, summaryText } from './summary.ts'

const TOLD_MAX = 10
/** k6's own exit code for thresholds that were crossed. */
const CROSSED = 99

const parsed = parseCommand(process.argv.slice(2))
if (parsed.kind !== 'command') {
  const asked = parsed.kind === 'help'
  const output = asked ? process.stdout : process.stderr
  output.write(parsed.text)
  process.exit(asked ? 0 : 2)
}
const { command } = parsed
// As k6: variables of the system, then those of the command.
Object.assign(globalThis, { __ENV: { ...process.env, ...command.env } })
offerK6Modules()
const script = (await import(pathToFileURL(command.path).href)) as Readonly<Record<string, unknown>>
const options = readOptions(script.options)
const exceptions = { count: 0, told: [] as string[] }
function note(error: unknown): void {
  exceptions.count++
  if (exceptions.told.length < TOLD_MAX) exceptions.told.push(String((error as Error).stack ?? error))
}
// What a script's own promises and listeners throw: it fails the run, and the others go on.
process.on('unhandledRejection', note)
const data = await (script.setup as (() => unknown) | undefined)?.()

/** One iteration of a scenario; its sockets end with it, as in k6. */
function iterating(exec: string): (iteration: Iteration) => Promise<void> {
  const work = script[exec]
  if (typeof work !== 'function') throw new TypeError(`the script exports no function ${exec}`)
  return (iteration) => {
    const sockets = new Set<{ terminate(): void }>()
    const context = { ...iteration, sockets }
    return currentIteration.run(context, async () => {
      const startedAt = performance.now()
      try {
        // A copy for each: in k6 users share nothing.
        await work(structuredClone(data))
      } catch (error) {
        note(error)
      }
      for (const socket of sockets) socket.terminate()
      metrics.metric('iteration_duration', 'trend', true).add(performance.now() - startedAt)
      metrics.metric('iterations', 'counter').add(1)
    })
  }
}

let vus = 0
const port: Omit<ExecutorPort, 'iterate'> = {
  nowMs: () => performance.now(),
  // An ended wait is no error.
  pause: (ms, signal) =>
    wait(Math.max(0, ms), undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
  nextVu: () => ++vus,
}
const startedAt = performance.now()
const outcomes = await Promise.all(
  options.scenarios.map((scenario) => runScenario(scenario, { ...port, iterate: iterating(scenario.exec) })),
)
const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((all, outcome) => all + of(outcome), 0)
const iterations: Outcome = {
  iterations: sum((one) => one.iterations),
  interrupted: sum((one) => one.interrupted),
  dropped: sum((one) => one.dropped),
}
metrics.metric('dropped_iterations', 'counter').add(iterations.dropped)
const seconds = (performance.now() - startedAt) / 1000
const summary = summarise({ script: command.name, seconds, iterations, exceptions }, options, metrics)
process.stdout.write(summaryText(summary))
if (command.summary !== null) writeFileSync(command.summary, `${JSON.stringify(summary, null, 2)}\n`)
process.exit(summary.passed ? 0 : CROSSED)
