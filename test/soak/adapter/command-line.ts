// The options of `npm run soak`: parsed and checked, nothing else. Each is the name of a variable that k6 would be given with `-e`.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/** What was asked for. */
export interface SoakCommand {
  /** Of the script. */
  readonly path: string
  readonly name: string
  /** Variables for the script. */
  readonly env: Readonly<Record<string, string>>
  /** Where the summary goes as JSON, or null. */
  readonly summary: string | null
}

/** A command, or a text to print: help, or what is wrong. */
export type ParsedCommand =
  | { readonly kind: 'command'; readonly command: SoakCommand }
  | { readonly kind: 'help' | 'mistake'; readonly text: string }

const FOLDER = join(import.meta.dirname, '..')
const VARIABLES = { url: 'SOAK_URL', duration: 'SOAK_DURATION', vus: 'SOAK_VUS', rate: 'SOAK_RATE' } as const

/** Scripts that there are. */
export function scriptNames(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, ''))
    .sort()
}

function help(): string {
  return `npm run soak -- <script> [options]

  <script>            ${scriptNames().join(', ')}
  --url=<ws://…,…>    where the gateways are (default: those of npm start)
  --duration=<20s>    of the part that is judged
  --vus=<100>         users at the same time
  --rate=<n>          messages or arrivals in a second; the script's head says of whom
  -e NAME=VALUE       any other variable of test/soak/client/settings.ts
  --summary=<file>    write the summary there as JSON
  --help              show this text

The exit code is 0 if all thresholds held, 99 if not (as with k6), and 2 for a mistake. With k6 itself: k6 run -e SOAK_VUS=100 test/soak/<script>.ts
`
}

/** Parses the arguments after the program's name. */
export function parseCommand(args: readonly string[]): ParsedCommand {
  const mistake = (text: string): ParsedCommand => ({ kind: 'mistake', text: `${text}\n\n${help()}` })
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return mistake((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.help === true) return { kind: 'help', text: help() }
  const [name = '', ...others] = positionals
  if (others.length > 0 || !scriptNames().includes(name))
    return mistake(`one script is run: ${scriptNames().join(', ')}`)
  const env: Record<string, string> = {}
  for (const pair of values.e ?? []) {
    const at = pair.indexOf('=')
    if (at < 1) return mistake(`-e ${pair}: it is NAME=VALUE`)
    env[pair.slice(0, at)] = pair.slice(at + 1)
  }
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const value = values[option as keyof typeof VARIABLES]
    if (value !== undefined) env[variable] = value
  }
  return { kind: 'command', command: { path: join(FOLDER, `${name}.ts`), name, env, summary: values.summary ?? null } }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: text,
      duration: text,
      vus: text,
      rate: text,
      summary: text,
      e: { type: 'string', short: 'e', multiple: true },
      help: { type: 'boolean' },
    },
  })
}
