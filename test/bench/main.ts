// `npm run bench`: every budget with its method, and the peers in the same run. The process with its options, its signals and its exit
// code; what is run is in the catalogue.
import { CATALOGUE } from './catalogue.ts'
import { runEnvironment } from './environment.ts'
import { type PartReport, skippedPart } from './figures.ts'
import { clearFloor } from './floor.ts'
import { type BenchOptions, parseBenchOptions } from './options.ts'
import type { Part } from './parts/part.ts'
import { QUICK_PARTS } from './quick.ts'
import { exitCodeOf, type RunReport, reportAsJson, reportAsText } from './report.ts'
import { writeResults } from './results-page.ts'

const parsed = parseBenchOptions(process.argv.slice(2))
if (parsed.kind !== 'options') {
  const asked = parsed.kind === 'help'
  const output = asked ? process.stdout : process.stderr
  output.write(parsed.text)
  process.exit(asked ? 0 : 2)
}
const { options } = parsed
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // A second signal finds no listener and ends this process at once; the leash then ends the others.
    void clearFloor().then(() => process.exit(1))
  })
}

/** A part that breaks fails the run, and takes nothing from the others. */
async function runPart({ id, title, run }: Part, given: BenchOptions): Promise<PartReport> {
  try {
    return await run({ ...given, say: (sentence) => console.error(sentence) })
  } catch (error) {
    console.error(error)
    const [why = ''] = String((error as Error).message).split('\n')
    return { ...skippedPart(id, title, why), faults: [`${id}: ${why}`] }
  }
}

const startedAt = new Date()
const quickly = options.quick && options.parts.length === CATALOGUE.filter(({ usual }) => usual).length
const parts: PartReport[] = []
for (const part of quickly ? QUICK_PARTS : options.parts) {
  parts.push(await runPart(part, options))
}
const report: RunReport = { environment: await runEnvironment(startedAt), quick: options.quick, parts }
console.log(options.json ? reportAsJson(report) : reportAsText(report))
if (options.whole) writeResults(report)
process.exit(exitCodeOf(report, options.gate))
