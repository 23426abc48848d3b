// `npm run conformance`: holds a server against PROTOCOL.md, clause by clause. The process with its options, its output and its exit
// code: 0 if nothing failed, 1 if something did, 2 if the run could not begin.
import { CHECKS } from './check-list.ts'
import { clausesOf, readProtocol } from './clauses.ts'
import { parseOptions } from './options.ts'
import { exitCodeOf, reportText } from './report.ts'
import { runSuite } from './suite.ts'

const parsed = parseOptions(process.argv.slice(2))
if (parsed.kind !== 'options') {
  const output = parsed.kind === 'help' ? process.stdout : process.stderr
  output.write(parsed.text)
  process.exit(parsed.kind === 'help' ? 0 : 2)
}
const { target, encodings, quick, verbose, only } = parsed.options
const all = clausesOf(readProtocol())
const clauses = only === undefined ? all : all.filter((clause) => only.includes(clause))
try {
  const results = await runSuite({
    target,
    checks: CHECKS,
    encodings,
    quick,
    ...(only === undefined ? {} : { only }),
    onResult: ({ check, encoding, outcome, ms }) => {
      if (verbose) console.error(`${outcome.kind}: ${check.name} (${encoding}, ${ms} ms)`)
    },
  })
  console.log(reportText(results, clauses, verbose))
  process.exit(exitCodeOf(results))
} catch (error) {
  console.error(`the server lets nobody in: ${(error as Error).message}`)
  process.exit(2)
}
