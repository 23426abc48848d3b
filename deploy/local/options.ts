// The options of `npm start`: one table from which parsing, checking and `--help` come. Pure; it reads no environment and
// opens no port.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What `npm start` was asked for. */
export interface Options {
  /** Gateways to start, 1 to 16. */
  readonly gateways: number
  /** The first gateway's port; the others count up from it. */
  readonly port: number
  /** The first gateway's admin port; the others count up from it. */
  readonly adminPort: number
  /** The router's admin port; unless it is chosen, ten above the first gateway's, or above all of them. */
  readonly routerAdminPort: number
  readonly natsPort: number
  readonly natsMonitorPort: number
  /** Absolute path of the folder that nats-server keeps its streams in. */
  readonly state: string
  /** Absolute path of the gateways' config file. */
  readonly config: string
  /** Show all that the processes say, not warnings and errors alone. */
  readonly verbose: boolean
}

/** Options, or the help text to print, or what is wrong with them. */
export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'mistake'; readonly text: string }

interface NumberRule {
  readonly default: number
  readonly min: number
  readonly max: number
  readonly help: string
}

const PORT = { min: 1, max: 65_535 }

const numberRules = {
  gateways: { default: 2, min: 1, max: 16, help: 'gateways to start' },
  port: { default: 8080, ...PORT, help: "the first gateway's port; the others count up from it" },
  'admin-port': { default: 9080, ...PORT, help: "the first gateway's admin port; the others count up from it" },
  'router-admin-port': {
    default: 9090,
    ...PORT,
    help: "the router's admin port; ten above --admin-port unless chosen",
  },
  'nats-port': { default: 4222, ...PORT, help: "nats-server's port" },
  'nats-monitor-port': { default: 8222, ...PORT, help: "nats-server's monitoring port" },
} as const satisfies Record<string, NumberRule>

/** From the first gateway's admin port to the router's. */
const ROUTER_PORT_OFFSET = 10

const textRules = {
  state: { default: '.sluice', help: "folder of nats-server's streams, relative to the repository" },
  config: { default: 'deploy/local/sluice.json', help: "the gateways' config file, relative to the repository" },
} as const

const flagRules = {
  verbose: { help: 'show all that the processes say' },
  help: { help: 'show this text' },
} as const

type NumberName = keyof typeof numberRules
type TextName = keyof typeof textRules

/**
 * Parses the words behind `npm start --`.
 *
 * @param argv - the words
 * @param root - the repository, which relative paths refer to
 */
export function parseOptions(argv: readonly string[], root: string): ParsedOptions {
  const mistakes: string[] = []
  const values = new Map<string, string | boolean>()
  const { tokens } = parseArgs({ args: [...argv], options: parseArgsOptions(), strict: false, tokens: true })
  for (const token of tokens) {
    if (token.kind === 'positional') mistakes.push(`'${token.value}' is no option`)
    if (token.kind !== 'option') continue
    const fault = optionFault(token)
    if (fault !== null) mistakes.push(fault)
    else values.set(token.name, token.value ?? true)
  }
  if (values.has('help')) return { kind: 'help', text: helpText() }

  const number = (name: NumberName): number => readNumber(name, values.get(name), mistakes)
  const routerAdminPort = (): number =>
    values.has('router-admin-port')
      ? number('router-admin-port')
      : number('admin-port') + Math.max(ROUTER_PORT_OFFSET, number('gateways'))
  const path = (name: TextName): string => resolve(root, String(values.get(name) ?? textRules[name].default))
  const options: Options = {
    gateways: number('gateways'),
    port: number('port'),
    adminPort: number('admin-port'),
    routerAdminPort: routerAdminPort(),
    natsPort: number('nats-port'),
    natsMonitorPort: number('nats-monitor-port'),
    state: path('state'),
    config: path('config'),
    verbose: values.has('verbose'),
  }
  if (mistakes.length === 0) return { kind: 'options', options }
  return { kind: 'mistake', text: [...mistakes, 'npm start -- --help lists all options.'].join('\n') }
}

function parseArgsOptions(): Record<string, { type: 'string' | 'boolean' }> {
  const valued = [...Object.keys(numberRules), ...Object.keys(textRules)].map(
    (name) => [name, { type: 'string' }] as const,
  )
  const flags = Object.keys(flagRules).map((name) => [name, { type: 'boolean' }] as const)
  return Object.fromEntries([...valued, ...flags])
}

function optionFault(token: {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
}): string | null {
  const { name, rawName, value } = token
  if (Object.hasOwn(flagRules, name)) return value === undefined ? null : `${rawName} takes no value`
  if (!Object.hasOwn(numberRules, name) && !Object.hasOwn(textRules, name)) return `${rawName} is unknown`
  return value === undefined || value === '' ? `${rawName} needs a value, as in ${rawName}=${exampleOf(name)}` : null
}

function readNumber(name: NumberName, value: string | boolean | undefined, mistakes: string[]): number {
  const rule = numberRules[name]
  if (value === undefined) return rule.default
  const number = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (number >= rule.min && number <= rule.max) return number
  mistakes.push(`--${name} is a whole number from ${rule.min} to ${rule.max}, not '${value}'`)
  return rule.default
}

function exampleOf(name: string): string | number {
  return (numberRules as Record<string, NumberRule>)[name]?.default ?? textRules[name as TextName].default
}

function helpText(): string {
  const line = (usage: string, help: string): string => `  ${usage.padEnd(38)}${help}`
  const valued = Object.entries({ ...numberRules, ...textRules })
  return [
    'npm start [-- options] runs Sluice on this machine: nats-server, gateways and a router as separate processes, until Ctrl-C.',
    '',
    ...valued.map(([name, rule]) => line(`--${name}=${rule.default}`, rule.help)),
    ...Object.entries(flagRules).map(([name, rule]) => line(`--${name}`, rule.help)),
    '',
    'Environment:',
    line('SLUICE_NATS_URL', 'use this NATS with JetStream and start no nats-server'),
    line('SLUICE_…', 'any other setting of the gateways, such as SLUICE_LOG_LEVEL or SLUICE_LIMITS_ROOMS_MAX'),
  ].join('\n')
}
