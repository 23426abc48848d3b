// The options of `npm run bench`: parsed and checked, nothing else.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CATALOGUE } from './catalogue.ts'
import type { Part } from './parts/part.ts'

/** What the benchmark was asked for. */
export interface BenchOptions {
  readonly parts: readonly Part[]
  /** Whether that is all that usually runs: then the page of results is written. */
  readonly whole: boolean
  /** The gates alone, within 90 seconds. */
  readonly quick: boolean
  /** Print JSON in place of tables. */
  readonly json: boolean
  /** Fail where a budget is exceeded by more than its tolerance. */
  readonly gate: boolean
  readonly sink: 'c' | 'node' | null
  readonly against: string | null
  readonly profiles: string | null
  readonly peers: boolean
  readonly connections: number | null
}

/** Options, or a text to print: help, or what is wrong. */
export type ParsedBenchOptions =
  | { readonly kind: 'options'; readonly options: BenchOptions }
  | { readonly kind: 'help' | 'mistake'; readonly text: string }

const HELP = `npm run bench -- [options] [part ...]

  part               one or more of: ${CATALOGUE.map(({ id, usual }) => (usual ? id : `(${id})`)).join(' ')}
                     (default: all but those in brackets; then test/bench/RESULTS.md is written)
  --quick            the gates alone, in less than 90 seconds: exit 1 where a budget is surely exceeded by more than 30 %
  --gate             exit 1 where a budget is surely exceeded by more than 15 %
  --json             JSON in place of tables
  --no-peers         leave out the peers that are no dependencies of the repository
  --sink=c|node      which sink holds the clients (default: c where a compiler is)
  --connections=<n>  of idle-100k (default: 100000)
  --against=<path>   another gateway's main.ts, measured in the same run as b1 and b2
  --profile=<folder> write a CPU profile of the gateway there, in b1 and b2; it slows the gateway down
  --help             show this text
`

const SINKS = ['c', 'node'] as const
const CONNECTIONS_MAX = 100_000

/** Parses the arguments after the program's name. */
export function parseBenchOptions(args: readonly string[]): ParsedBenchOptions {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return mistake((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.help === true) return { kind: 'help', text: HELP }
  const unknown = positionals.filter((id) => !CATALOGUE.some((part) => part.id === id))
  if (unknown.length > 0) return mistake(`no such part: ${unknown.join(', ')}`)
  const sink = SINKS.find((name) => name === values.sink) ?? null
  if (values.sink !== undefined && sink === null) return mistake(`no such sink: ${values.sink}`)
  const connections = values.connections === undefined ? null : Number(values.connections)
  if (connections !== null && !(Number.isInteger(connections) && connections >= 600 && connections <= CONNECTIONS_MAX))
    return mistake(`connections are 600 to ${CONNECTIONS_MAX}`)
  const quick = values.quick ?? false
  const named = CATALOGUE.filter(({ id }) => positionals.includes(id))
  return {
    kind: 'options',
    options: {
      parts: named.length > 0 ? named : CATALOGUE.filter(({ usual }) => usual),
      whole: named.length === 0 && !quick,
      quick,
      json: values.json ?? false,
      gate: values.gate ?? false,
      sink,
      against: values.against === undefined ? null : resolve(values.against),
      profiles: values.profile === undefined ? null : resolve(values.profile),
      peers: !(values['no-peers'] ?? false) && !quick,
      connections,
    },
  }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: flag,
      json: flag,
      gate: flag,
      help: flag,
      'no-peers': flag,
      sink: text,
      connections: text,
      against: text,
      profile: text,
    },
  })
}

function mistake(text: string): ParsedBenchOptions {
  return { kind: 'mistake', text: `${text}\n\n${HELP}` }
}
