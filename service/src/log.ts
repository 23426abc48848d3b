// The log of a process, and the only home of pino: one JSON object a line on standard output, or lines for people on a terminal.
// Callers give a constant sentence and fields; never a payload, never a token. Redaction here is the second wall, not the first.
import {
  type DestinationStream,
  destination,
  type Logger as PinoLogger,
  pino,
  stdSerializers,
  stdTimeFunctions,
} from 'pino'
import { isColorSupported, prettyFactory } from 'pino-pretty'

/** Takes a constant sentence and fields: `log.info({ port }, 'listening')`. */
export type Logger = PinoLogger

/** How the log is written. */
export interface LogOptions {
  /** Least level that is written. */
  readonly level: string
  /** Lines for people in place of JSON. */
  readonly pretty: boolean
  /** The process's name, in every line. */
  readonly name: string
  /** Where lines go; standard output unless a test listens. */
  readonly destination?: DestinationStream
}

/** Field names whose values are never written, on their own or one level inside another field. */
const SECRET_FIELDS = [
  'token',
  'secret',
  'secretPrevious',
  'password',
  'pass',
  'authorization',
  'cookie',
  'jwt',
  'nkey',
  'seed',
  'creds',
]

/** Longer addresses say nothing more to an operator. */
const URL_CHARS_MAX = 512

/**
 * Makes the log of a process. Each line has `time` (ISO 8601 in UTC, milliseconds), `level` (a word), `name`, `msg` and its own
 * fields. Lines are written synchronously, so that the last words before an exit are in the pipe: they are few, one for a
 * transition and one a minute.
 */
export function createLogger(options: LogOptions): Logger {
  const output = options.destination ?? destination({ fd: 1, sync: true })
  return pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.err, url: redactField, servers: redactField },
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: '***' },
    },
    options.pretty ? forPeople(output) : output,
  )
}

/**
 * Prints each line in the call that logs it. pino-pretty's own stream and its worker would print later, and lose the last lines
 * before an exit.
 */
function forPeople(output: DestinationStream): DestinationStream {
  const print = prettyFactory({
    colorize: isColorSupported,
    ignore: 'name',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  return { write: (line) => output.write(print(line)) }
}

function redactField(value: unknown): unknown {
  if (typeof value === 'string') return redactUrl(value)
  return Array.isArray(value) ? value.map(redactField) : value
}

/**
 * An address fit for a log: without user and password, without the value of any query parameter (tokens come as `?token=`, and
 * any list of such names would be too short), without a fragment, at most 512 characters. Takes whatever a peer sent, so it never
 * parses and never throws.
 */
export function redactUrl(url: string): string {
  const [beforeFragment = ''] = redactUserInfo(url).split('#', 1)
  const query = beforeFragment.indexOf('?')
  const text =
    query === -1 ? beforeFragment : `${beforeFragment.slice(0, query)}?${redactQuery(beforeFragment.slice(query + 1))}`
  return text.length <= URL_CHARS_MAX ? text : `${text.slice(0, URL_CHARS_MAX)}…`
}

/** Up to the last `@`: a password may hold `/`, `?` and `#` where nobody escaped it, so rather too much is taken away. */
function redactUserInfo(url: string): string {
  const at = url.lastIndexOf('@')
  // A path and a query, as in a request: what stands before `@` there is no user.
  if (at === -1 || /^\/(?!\/)/.test(url)) return url
  const scheme = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?\/\//.exec(url)?.[0] ?? ''
  return `${scheme}***@${url.slice(at + 1)}`
}

function redactQuery(query: string): string {
  return query.split('&').map(redactParameter).join('&')
}

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  return equals === -1 ? '***' : `${parameter.slice(0, equals)}=***`
}
