// Turns what the processes say into lines for a terminal: split, levelled, prefixed with who said it. Pure but for the
// writer that it is given. Quiet by default: warnings, errors, and what is no log line at all, such as a crash.

/** How grave a line is. `plain` is text without a level; it is always shown, as only faults print it. */
export type Level = 'debug' | 'info' | 'warn' | 'error' | 'plain'

/** A line that a process wrote, taken apart. */
export interface Line {
  readonly level: Level
  readonly text: string
}

/** A line longer than this is cut: no process may fill the terminal or the memory with one. */
export const LINE_CHARS_MAX = 16_384

const natsPattern = /^\[\d+\] \S+ \S+ \[(\w{3})\] (.*)$/
const natsLevels: Readonly<Record<string, Level>> = {
  TRC: 'debug',
  DBG: 'debug',
  INF: 'info',
  WRN: 'warn',
  ERR: 'error',
  FTL: 'error',
}
const pinoLabels: Readonly<Record<string, Level>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  fatal: 'error',
}
/** What every line of pino carries and a person does not need. */
const pinoNoise = new Set(['level', 'time', 'pid', 'hostname', 'name', 'msg', 'v'])

/** Reads a line of pino's JSON, of nats-server's log, or any other text. */
export function readLine(raw: string): Line {
  if (raw.startsWith('{')) {
    const line = readPino(raw)
    if (line !== null) return line
  }
  const nats = natsPattern.exec(raw)
  if (nats !== null) return { level: natsLevels[nats[1] ?? ''] ?? 'info', text: nats[2] ?? '' }
  return { level: 'plain', text: raw }
}

function readPino(raw: string): Line | null {
  let record: Record<string, unknown>
  try {
    record = JSON.parse(raw)
  } catch {
    // A text that only looks like JSON is shown as it is.
    return null
  }
  const level = pinoLevel(record.level)
  if (level === null || typeof record.msg !== 'string') return null
  const fields = Object.entries(record)
    .filter(([name]) => !pinoNoise.has(name))
    .map(([name, value]) => `${name}=${formatField(value)}`)
  return { level, text: [record.msg, ...fields].join('  ') }
}

function formatField(value: unknown): string {
  if (typeof value === 'string') return /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && value !== null && 'stack' in value && typeof value.stack === 'string')
    return value.stack
  return JSON.stringify(value)
}

/** Pino's labels, as the gateways write them, or its numbers: 20 debug, 30 info, 40 warn, 50 error, 60 fatal. */
function pinoLevel(level: unknown): Level | null {
  if (typeof level === 'string') return pinoLabels[level] ?? null
  if (typeof level !== 'number') return null
  if (level >= 50) return 'error'
  if (level >= 40) return 'warn'
  return level >= 30 ? 'info' : 'debug'
}

/** Calls back for each whole line of a stream of text; what remains at the end is a line too. */
export class LineSplitter {
  readonly #onLine: (line: string) => void
  #rest = ''

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine
  }

  /** Takes the next piece. */
  push(piece: string): void {
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#emit(line)
    if (this.#rest.length > LINE_CHARS_MAX) this.end()
  }

  /** The stream is over. */
  end(): void {
    if (this.#rest !== '') this.#emit(this.#rest)
    this.#rest = ''
  }

  #emit(line: string): void {
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    this.#onLine(text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}…` : text)
  }
}

/** How lines are shown. */
export interface PrinterOptions {
  readonly write: (text: string) => void
  /** Names of all processes: prefixes are padded to the longest. */
  readonly names: readonly string[]
  /** Show every level. */
  readonly verbose: boolean
  readonly colors: boolean
}

/** Writes lines with the name of who said them. */
export interface Printer {
  /** A line that a process wrote; dropped if it is below warning and the run is quiet. */
  line(name: string, raw: string): void
  /** A sentence of the runner itself. */
  say(sentence: string): void
  /** Text to copy from: without prefixes, set off by empty lines. */
  block(text: string): void
}

const colorCodes: Readonly<Record<Level, string>> = { debug: '2', info: '39', warn: '33', error: '31', plain: '39' }
const nameColors = ['36', '35', '34', '32'] as const

/** Builds the {@link Printer} of a run. */
export function createPrinter({ write, names, verbose, colors }: PrinterOptions): Printer {
  const paint = (code: string, text: string): string => (colors ? `\u001b[${code}m${text}\u001b[0m` : text)
  const width = Math.max(...names.map((name) => name.length), 'sluice'.length)
  const prefix = (name: string): string => {
    const index = names.indexOf(name)
    const color = index === -1 ? '1' : (nameColors[index % nameColors.length] ?? '39')
    return paint(color, name.padEnd(width))
  }
  return {
    line(name, raw) {
      const { level, text } = readLine(raw)
      if (text === '' || (!verbose && (level === 'debug' || level === 'info'))) return
      const label = level === 'plain' ? '' : `${level.toUpperCase().padEnd(5)} `
      write(`${prefix(name)} │ ${paint(colorCodes[level], label + text)}\n`)
    },
    say(sentence) {
      for (const line of sentence.split('\n')) write(`${prefix('sluice')} │ ${line}\n`)
    },
    block(text) {
      write(`\n${text}\n\n`)
    },
  }
}
