// The options of `npm run bench`: parsed and checked, nothing else.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SCENARIOS, type Scenario } from './scenarios.ts'

/** What the benchmark was asked for. */
export interface BenchOptions {
  readonly scenarios: readonly Scenario[]
  /** Fewer and shorter slices. */
  readonly quick: boolean
  /** Print JSON in place of tables. */
  readonly json: boolean
  /** Fail where a budget is exceeded by more than its tolerance. */
  readonly gate: boolean
  /** Another gateway's `main.ts`, measured in the same run, or null. */
  readonly against: string | null
  /** A folder for a CPU profile of the gateway, or null. */
  readonly profiles: string | null
}

/** Options, or a text to print: help, or what is wrong. */
export type ParsedBenchOptions =
  | { readonly kind: 'options'; readonly options: BenchOptions }
  | { readonly kind: 'help' | 'mistake'; readonly text: string }

const HELP = `npm run bench -- [options]

  --scenario=b1,b2   which scenarios (default: all)
  --quick            fewer and shorter slices, for a first look
  --json             JSON in place of tables
  --gate             exit 1 where a budget is exceeded by more than 15 %
  --against=<path>   another gateway's main.ts, measured in the same run
  --profile=<folder> write a CPU profile of the gateway there; it slows the gateway down
  --help             show this text
`

/** Parses the arguments after the program's name. */
export function parseBenchOptions(args: readonly string[]): ParsedBenchOptions {
  let values: ReturnType<typeof parse>
  try {
    values = parse(args)
  } catch (error) {
    return mistake((error as Error).message)
  }
  if (values.help === true) return { kind: 'help', text: HELP }
  const known = new Map(SCENARIOS.map((scenario) => [scenario.id, scenario]))
  const wanted = values.scenario?.split(',') ?? [...known.keys()]
  const unknown = wanted.filter((id) => !known.has(id))
  if (unknown.length > 0)
    return mistake(`no such scenario: ${unknown.join(', ')}; there are ${[...known.keys()].join(', ')}`)
  return {
    kind: 'options',
    options: {
      scenarios: SCENARIOS.filter(({ id }) => wanted.includes(id)),
      quick: values.quick ?? false,
      json: values.json ?? false,
      gate: values.gate ?? false,
      against: values.against === undefined ? null : resolve(values.against),
      profiles: values.profile === undefined ? null : resolve(values.profile),
    },
  }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    options: { quick: flag, json: flag, gate: flag, help: flag, scenario: text, against: text, profile: text },
  }).values
}

function mistake(text: string): ParsedBenchOptions {
  return { kind: 'mistake', text: `${text}\n\n${HELP}` }
}
