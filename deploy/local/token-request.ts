// The words behind `npm run -s token --`, parsed and checked. Pure; signing is sign-token.ts.
import { parseArgs } from 'node:util'
import {
  ANONYMOUS_PREFIX,
  DEFAULT_LIMITS,
  type Grants,
  grantsSchema,
  INFO_BYTES_MAX,
  parseRoom,
  parseUser,
} from '@sluice/proto'
import { parseDuration } from './duration.ts'
import type { TokenClaims } from './sign-token.ts'

/** Claims to sign, or the help text to print, or what is wrong. */
export type TokenRequest =
  | { readonly kind: 'claims'; readonly claims: TokenClaims }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'mistake'; readonly text: string }

const DEFAULT_TTL = '1h'

/** Options that hold lists: each may be repeated, and its values are separated by commas. */
const listNames = ['join', 'publish', 'send', 'call', 'rooms'] as const
const knownNames = new Set<string>([...listNames, 'ttl', 'info', 'hidden', 'claim', 'help'])
const flagNames = new Set(['hidden', 'help'])

const helpText = `npm run -s token -- USER [options] prints a token for the known local secret.

  --ttl=${DEFAULT_TTL}                  how long it holds: a number and s, m, h or d; negative for an expired one
  --join='chat:*'           rooms that may be joined
  --publish='chat:*'        rooms that may be published to
  --send='*'                users that may be sent to
  --call='orders.*'         methods that may be called
  --rooms='chat:lobby'      rooms that are joined at sign-in
  --info='{"name":"A"}'     shown in presence, as JSON
  --hidden                  not shown in presence
  --claim=sub               the claim that names the user

Lists may be repeated or separated by commas. '{user}' in a pattern stands for the user's own name.`

/** Parses the words; all mistakes are reported together. */
export function parseTokenRequest(argv: readonly string[]): TokenRequest {
  const mistakes: string[] = []
  const { tokens } = parseArgs({ args: [...argv], options: parseArgsOptions(), strict: false, tokens: true })
  const users: string[] = []
  const values = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') users.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!knownNames.has(name)) mistakes.push(`${rawName} is unknown`)
    else if (flagNames.has(name) && value !== undefined) mistakes.push(`${rawName} takes no value`)
    else if (!flagNames.has(name) && (value === undefined || value === ''))
      mistakes.push(`${rawName} needs a value, as in ${rawName}=…`)
    else values.set(name, [...(values.get(name) ?? []), value ?? ''])
  }
  if (values.has('help')) return { kind: 'help', text: helpText }

  const user = readUser(users, mistakes)
  const ttlSeconds = readTtl(values.get('ttl')?.at(-1) ?? DEFAULT_TTL, mistakes)
  const grants = readGrants(values, mistakes)
  const userClaim = values.get('claim')?.at(-1) ?? 'sub'
  if (mistakes.length === 0) return { kind: 'claims', claims: { user, ttlSeconds, grants, userClaim } }
  return { kind: 'mistake', text: [...mistakes, 'npm run -s token -- --help shows how it is used.'].join('\n') }
}

function parseArgsOptions(): Record<string, { type: 'string' | 'boolean' }> {
  return Object.fromEntries(
    [...knownNames].map((name) => [name, { type: flagNames.has(name) ? 'boolean' : 'string' }] as const),
  )
}

function readUser(users: readonly string[], mistakes: string[]): string {
  const user = users[0] ?? ''
  if (users.length === 0) mistakes.push('the user is missing, as in npm run -s token -- alice')
  else if (users.length > 1) mistakes.push(`one user at a time, not ${users.map((name) => `'${name}'`).join(' and ')}`)
  else if (user.startsWith(ANONYMOUS_PREFIX))
    mistakes.push(`'${user}' would be refused: names that begin with ${ANONYMOUS_PREFIX} are for anonymous users`)
  else if (parseUser(user, DEFAULT_LIMITS.nameBytesMax) === null)
    mistakes.push(`'${user}' would be refused: a user's name is 1 to ${DEFAULT_LIMITS.nameBytesMax} bytes without *`)
  return user
}

function readTtl(text: string, mistakes: string[]): number {
  const seconds = parseDuration(text)
  if (seconds === null) mistakes.push(`--ttl is a number and s, m, h or d, such as 90s, 1h or -1h, not '${text}'`)
  return seconds ?? 0
}

function readGrants(values: ReadonlyMap<string, readonly string[]>, mistakes: string[]): Grants {
  const grants: Record<string, unknown> = {}
  for (const name of listNames) {
    const list = values
      .get(name)
      ?.flatMap((value) => value.split(','))
      .map((pattern) => pattern.trim())
    if (list !== undefined) grants[name] = list.filter((pattern) => pattern !== '')
  }
  for (const name of ['join', 'publish'] as const) {
    for (const pattern of (grants[name] as string[] | undefined) ?? []) {
      if (!isRoomPattern(pattern))
        mistakes.push(
          `--${name}: '${pattern}' is no room pattern; those are a room, or namespace:* for all of a namespace`,
        )
    }
  }
  const info = values.get('info')?.at(-1)
  if (info !== undefined) grants.info = readInfo(info, mistakes)
  if (values.has('hidden')) grants.hidden = true
  const parsed = grantsSchema.safeParse(grants)
  if (parsed.success) return parsed.data
  mistakes.push(...parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`))
  return {}
}

function isRoomPattern(pattern: string): boolean {
  const exact = pattern.endsWith(':*') ? `${pattern.slice(0, -1)}all` : pattern
  return parseRoom(exact, DEFAULT_LIMITS.nameBytesMax) !== null
}

function readInfo(text: string, mistakes: string[]): unknown {
  let info: unknown
  try {
    info = JSON.parse(text)
  } catch {
    mistakes.push(`--info is JSON, such as '{"name":"Alice"}', not '${text}'`)
    return undefined
  }
  const bytes = new TextEncoder().encode(JSON.stringify(info)).length
  if (bytes > INFO_BYTES_MAX) mistakes.push(`--info has ${bytes} bytes, more than ${INFO_BYTES_MAX}`)
  return info
}
