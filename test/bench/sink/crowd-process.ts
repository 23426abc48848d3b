// The benchmark's side of the sink in C: compiles it once, starts it, and turns lines into promises. One order at a time but for a slice,
// which tells its turns as they come.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Sink } from '../measure/sink-process.ts'
import type { Processes } from '../servers/processes.ts'
import { talkTo } from './line-talk.ts'
import type { ClientPlan } from './orders.ts'

const SOURCE = fileURLToPath(new URL('crowd.c', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../.sluice/bench/', import.meta.url))
const ANSWER_MS = 630_000

/** What one slice of timed messages has shown. */
export interface Timed {
  readonly messages: number
  /** For each message, from the time that it carries to its being read, in microseconds. */
  readonly delaysMicros: readonly number[]
  readonly lost: number
  /** The sink's own CPU time for the time that went by. */
  readonly load: number
}

/** The sink in C: all that a sink does, and what only costs little in C. */
export interface Crowd extends Sink {
  /** Begins a slice whose messages carry `"t":` and the monotonic time at which they were sent, in nanoseconds. */
  beginTimed(group: string): Promise<void>
  endTimed(): Promise<Timed>
  /**
   * Lets each client of a group send a text so often, and wait for a pong behind it.
   *
   * @returns how many clients had their pong
   */
  send(
    group: string,
    plan: { readonly times: number; readonly everyMs: number; readonly text: string },
  ): Promise<number>
  /** Reads no more from a client. */
  pause(group: string, index: number): Promise<void>
  /** Closes the clients of a group without a word. */
  close(group: string): Promise<void>
}

/**
 * Compiles the sink, if that has not been done for this source.
 *
 * @returns its path; null where no compiler is
 */
export async function compileCrowd(): Promise<string | null> {
  const digest = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12)
  const program = `${CACHE}crowd-${digest}`
  if (existsSync(program)) return program
  mkdirSync(CACHE, { recursive: true })
  for (const compiler of ['cc', 'gcc', 'clang']) {
    try {
      await promisify(execFile)(compiler, ['-O2', '-o', `${program}.new`, SOURCE])
      renameSync(`${program}.new`, program)
      return program
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return null
}

/** Starts the sink in C. */
export async function startCrowd(processes: Processes, program: string): Promise<Crowd> {
  const { process: child } = await processes.start({
    name: 'sink',
    command: program,
    args: [],
    input: true,
    ready: (line) => (line === 'ready' ? true : null),
  })
  const groups = new Map<string, number>()
  let turnsSeen = 0
  const talk = talkTo(child, 'sink', (line) => {
    if (line.startsWith('turn ')) turnsSeen = Number(line.slice(5))
    return line.startsWith('turn ') || line === 'ready'
  })
  const { order, until } = talk
  const answer = (word: string): Promise<string[]> => talk.answer(word, ANSWER_MS)
  const numberOf = (group: string): number => {
    const known = groups.get(group) ?? groups.size
    groups.set(group, known)
    return known
  }
  async function counted() {
    order('end')
    const [messages = 0, bytes = 0, lost = 0, cpuMicros = 0, wallMicros = 1, ...each] = (await answer('counted')).map(
      Number,
    )
    const delays = (await answer('delays')).map(Number)
    return { messages, bytes, lost, load: cpuMicros / wallMicros, each, delays }
  }

  return {
    async open(group, port, clients, options = {}) {
      const { host = '127.0.0.1', atOnce = 50, receiveBytes = 0, linesAreMessages = false } = options
      order(
        `open ${numberOf(group)} ${host} ${port} ${clients.length} ${atOnce} ${receiveBytes} ${Number(linesAreMessages)}`,
      )
      order(clients.map(lineOf).join('\n'))
      const [, micros] = await answer('opened')
      return Number(micros) / 1000
    },
    begin(group, messagesOfTurn) {
      turnsSeen = 0
      order(`begin ${numberOf(group)} ${messagesOfTurn} 0`)
    },
    async turns(turns, waitMs) {
      return (await until(() => (turnsSeen >= turns ? true : null), waitMs)) ?? false
    },
    async end(expected) {
      const { each, delays: _, ...told } = await counted()
      return { ...told, wrong: each.filter((count, at) => count !== expected[at]).length }
    },
    async beginTimed(group) {
      order(`begin ${numberOf(group)} 4000000000 1`)
      await answer('begun')
    },
    async endTimed() {
      const { messages, lost, load, delays } = await counted()
      return { messages, lost, load, delaysMicros: delays }
    },
    async send(group, { times, everyMs, text }) {
      order(`send ${numberOf(group)} ${times} ${Math.round(everyMs * 1000)} ${text}`)
      return Number((await answer('sent'))[0])
    },
    async pause(group, index) {
      order(`pause ${numberOf(group)} ${index}`)
      await answer('paused')
    },
    async close(group) {
      order(`close ${numberOf(group)}`)
      await answer('closed')
    },
  }
}

/** See `start_client` in crowd.c. */
function lineOf({ from, path, header, steps, readyAfter }: ClientPlan): string {
  const said = steps.map(({ after, text }) => `${after} ${text}`)
  return [from ?? '-', path, header ?? '-', ...said, String(readyAfter)].join('\t')
}
