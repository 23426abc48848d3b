// `npm run bench`: what a delivery costs the gateway, as a multiple of the least that a Node server can do. The process with its
// options, its signals and its exit code; the order of a run is in run.ts.
import { runEnvironment } from './environment.ts'
import type { PatternFigures } from './measure/measure.ts'
import { parseBenchOptions } from './options.ts'
import { exitCodeOf, type RunReport, reportAsJson, reportAsText } from './report.ts'
import { GATEWAY, runScenario } from './run.ts'
import { Processes } from './servers/processes.ts'

const parsed = parseBenchOptions(process.argv.slice(2))
if (parsed.kind !== 'options') {
  const asked = parsed.kind === 'help'
  const output = asked ? process.stdout : process.stderr
  output.write(parsed.text)
  process.exit(asked ? 0 : 2)
}
const { options } = parsed
let processes: Processes | null = null
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // A second signal finds no listener and ends this process at once; the leash then ends the others.
    void (processes?.stop() ?? Promise.resolve()).then(() => process.exit(1))
  })
}

const patterns: PatternFigures[] = []
let natsServer = 'unknown'
for (const scenario of options.scenarios) {
  processes = new Processes()
  try {
    const figures = await runScenario(scenario, options, processes, (sentence) => console.error(sentence))
    patterns.push(...figures.patterns)
    natsServer = figures.natsServer
  } finally {
    await processes.stop()
  }
}
const report: RunReport = { environment: runEnvironment(natsServer), quick: options.quick, judged: GATEWAY, patterns }
console.log(options.json ? reportAsJson(report) : reportAsText(report))
process.exit(exitCodeOf(report, options.gate))
