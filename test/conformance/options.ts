// The options of `npm run conformance`: parsed and checked, nothing else.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Encoding } from './frame-codec.ts'
import { ROLES, type Role, type Target } from './target.ts'
import { commandIssuer, secretIssuer } from './tokens.ts'

/** What the suite was asked for. */
export interface ConformanceOptions {
  readonly target: Target
  readonly encodings: readonly Encoding[]
  readonly quick: boolean
  readonly verbose: boolean
  /** Numbers of clauses, or undefined for all. */
  readonly only: readonly string[] | undefined
}

/** Options, or a text to print: help, or what is wrong. */
export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: ConformanceOptions }
  | { readonly kind: 'help' | 'mistake'; readonly text: string }

const HELP = `npm run conformance -- --url ws://host/ws --secret-file <path> [options]

  --url <url>                a server; twice for two servers of one installation
  --secret-file <path>       the shared secret of HS256 tokens
  --token-command <command>  prints a token in place of it; arguments: user, grants (JSON), lifetime in seconds
  --namespaces <list>        role=name,…; a role without a name is left out (roles: ${ROLES.join(', ')})
  --origin <origin>          an origin that may connect
  --nats-url <url>           where services publish; without it chapter 9 is not run
  --nats-prefix <prefix>     first token of subjects (default sluice)
  --encoding <json|msgpack>  one encoding alone (default both)
  --only <clauses>           such as P-5.2,P-6.1
  --quick                    leave out what takes longer than a few seconds
  --verbose                  also say what checks leave out
  --sign-in-ms <n>           time that a socket has to sign in (default 10000)
  --linger-ms <n>            time that a user is shown after a connection broke (default 5000)
  --tolerance-ms <n>         difference of clocks that is forgiven (default 5000)
  --user-connections <n>     connections that one user may have (default 32)
  --answer-ms <n>            how long an answer may take (default 5000)
  --help                     show this text

test/conformance/README.md says how the server is to be configured.
`

class Mistake extends Error {}

/** Parses the arguments after the program's name. Reads the file of the secret. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    const values = parse(args)
    if (values.help === true) return { kind: 'help', text: HELP }
    return { kind: 'options', options: optionsOf(values) }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\n\n${HELP}` }
  }
}

function optionsOf(values: ReturnType<typeof parse>): ConformanceOptions {
  const { encoding, only } = values
  if (encoding !== undefined && encoding !== 'json' && encoding !== 'msgpack')
    throw new Mistake('--encoding: json or msgpack')
  return {
    target: targetOf(values),
    encodings: encoding === undefined ? ['json', 'msgpack'] : [encoding],
    quick: values.quick ?? false,
    verbose: values.verbose ?? false,
    only: only?.split(',').map(clauseOf),
  }
}

function targetOf(values: ReturnType<typeof parse>): Target {
  const urls = values.url ?? []
  if (urls.length === 0) throw new Mistake('--url is needed')
  for (const url of urls)
    if (!/^wss?:\/\/./.test(url) || !URL.canParse(url)) throw new Mistake(`--url: no WebSocket address: ${url}`)
  const nats = values['nats-url']
  return {
    urls,
    issuer: issuerOf(values),
    namespaces: namespacesOf(values.namespaces),
    origin: values.origin ?? null,
    nats: nats === undefined ? null : { url: nats, prefix: values['nats-prefix'] ?? 'sluice' },
    signInMs: countOf(values, 'sign-in-ms', 10_000),
    lingerMs: countOf(values, 'linger-ms', 5000),
    toleranceMs: countOf(values, 'tolerance-ms', 5000),
    userConnectionsMax: countOf(values, 'user-connections', 32),
    answerMs: countOf(values, 'answer-ms', 5000),
  }
}

function issuerOf(values: ReturnType<typeof parse>): Target['issuer'] {
  const { 'secret-file': file, 'token-command': command } = values
  if (file !== undefined && command === undefined) {
    // One newline at the end is what an editor leaves there.
    return secretIssuer(readFileSync(file, 'utf8').replace(/\r?\n$/, ''), Date.now)
  }
  if (command !== undefined && file === undefined) return commandIssuer(command)
  throw new Mistake('one of --secret-file and --token-command is needed')
}

/** Roles by their own names, unless they are named otherwise or left out. */
function namespacesOf(list: string | undefined): Readonly<Record<Role, string | null>> {
  const named = new Map<string, string | null>(ROLES.map((role) => [role, role]))
  for (const entry of list?.split(',') ?? []) {
    const [role = '', name = ''] = entry.split('=')
    if (!named.has(role)) throw new Mistake(`--namespaces: no such role: ${role}`)
    named.set(role, name === '' ? null : name)
  }
  return Object.fromEntries(named) as Record<Role, string | null>
}

function clauseOf(text: string): string {
  const number = /^(?:P-)?(\d+\.\d+)$/.exec(text.trim())?.[1]
  if (number === undefined) throw new Mistake(`--only: no clause: ${text}`)
  return number
}

function countOf(values: ReturnType<typeof parse>, name: CountName, whenMissing: number): number {
  const text = values[name]
  if (text === undefined) return whenMissing
  const count = Number(text)
  if (!Number.isSafeInteger(count) || count < 0) throw new Mistake(`--${name}: a whole number is needed`)
  return count
}

type CountName = 'sign-in-ms' | 'linger-ms' | 'tolerance-ms' | 'user-connections' | 'answer-ms'

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    options: {
      url: { type: 'string', multiple: true },
      'secret-file': text,
      'token-command': text,
      namespaces: text,
      origin: text,
      'nats-url': text,
      'nats-prefix': text,
      encoding: text,
      only: text,
      quick: flag,
      verbose: flag,
      'sign-in-ms': text,
      'linger-ms': text,
      'tolerance-ms': text,
      'user-connections': text,
      'answer-ms': text,
      help: flag,
    },
  }).values
}
