// B4: what an idle connection holds, as the slope between two numbers of them; and the same by part: sockets that differ by one part
// each. The clients are the sink's, so the machine holds little beside what is measured.
import { setTimeout as pause } from 'node:timers/promises'
import { startChild } from '../../harness/child.ts'
import { makeToken } from '../../harness/tokens.ts'
import { type BudgetFigure, exactly, type FigureTable, type PartReport, skippedPart } from '../figures.ts'
import { NoCompiler, type PartOptions } from '../floor.ts'
import { type Summary, summarise } from '../measure/statistics.ts'
import { startPresenceCluster } from '../presence/cluster.ts'
import { type Memory, memoryOf, PROBED } from '../presence/memory-of.ts'
import { gatewayClient } from '../servers/gateway.ts'
import { Processes } from '../servers/processes.ts'
import { type Crowd, compileCrowd, startCrowd } from '../sink/crowd-process.ts'
import type { ClientPlan } from '../sink/orders.ts'
import { kilobytes } from '../told.ts'
import type { Part } from './part.ts'

/** B4. */
export const MEMORY: Part = {
  id: 'memory',
  title: 'an idle connection, signed in, in 2 rooms, presence on',
  usual: true,
  run: runBudget,
}

/** The same by part. */
export const MEMORY_PARTS: Part = {
  id: 'memory-parts',
  title: 'what a connection holds, by part',
  usual: true,
  run: runParts,
}

const HEAP_BYTES_MAX = 6 * 1024
const PRIVATE_BYTES_MAX = 8 * 1024
const ROOM_MEMBERS = 50
const FROM = 2000
const STEP = 500
const STEPS = 20
const STEPS_QUICK = 4
const PARTS_FROM = 1000
const PARTS_TO = 3000
/** Room entries are gathered, written and followed within a second. */
const SETTLE_MS = 1000
/** The gateway asks for a sign-in within this time, and takes as many that have not. */
const UNAUTHENTICATED = { unauthenticatedMax: 18_000, unauthenticatedWaitMs: 600_000 }

/** What can be asked for its memory, and clients that it is filled with. */
interface Filled {
  readonly memory: () => Promise<Memory>
  readonly open: (from: number, to: number) => Promise<void>
}

async function runBudget(options: PartOptions): Promise<PartReport> {
  const steps = options.quick ? STEPS_QUICK : STEPS
  options.say(`memory: from ${FROM} to ${FROM + steps * STEP} connections`)
  const measured = await withCrowd(async (crowd) => {
    await using cluster = await startPresenceCluster(1)
    const [gateway] = cluster.gateways
    if (gateway === undefined) throw new Error('no gateway')
    const filled = fill(gateway, { crowd, port: gateway.port, client: (at) => signedIn(at, 2) })
    await filled.open(0, FROM)
    const looks = [await filled.memory()]
    for (let step = 0; step < steps; step++) {
      await filled.open(FROM + step * STEP, FROM + (step + 1) * STEP)
      looks.push(await filled.memory())
    }
    return looks
  })
  return measured === null ? skippedPart(MEMORY.id, MEMORY.title, new NoCompiler().message) : reportOf(measured)
}

function reportOf(looks: readonly Memory[]): PartReport {
  const slopes = (of: (memory: Memory) => number): { readonly whole: number; readonly steps: Summary } => {
    const at = looks.map(of)
    const first = at[0] ?? 0
    return {
      whole: ((at.at(-1) ?? 0) - first) / (STEP * (at.length - 1)),
      steps: summarise(at.slice(1).map((bytes, n) => (bytes - (at[n] ?? 0)) / STEP)),
    }
  }
  const heap = slopes(({ heapBytes }) => heapBytes)
  const pages = slopes(({ privateBytes }) => privateBytes)
  const budget = (what: string, bytes: number, limit: number): BudgetFigure => {
    return { id: 'B4', what, unit: 'KB', figure: exactly(bytes / 1024), limit: limit / 1024, decimals: 2, exact: true }
  }
  const row = (name: string, { whole, steps }: typeof heap): string[] => [
    name,
    kilobytes(whole),
    kilobytes(steps.median),
    `${kilobytes(steps.q1)}–${kilobytes(steps.q3)}`,
  ]
  return {
    id: MEMORY.id,
    title: MEMORY.title,
    budgets: [budget('heap', heap.whole, HEAP_BYTES_MAX), budget('private pages', pages.whole, PRIVATE_BYTES_MAX)],
    tables: [
      {
        title: `KB of a connection, ${FROM} → ${FROM + STEP * (looks.length - 1)}`,
        rows: [
          ['', 'over all', `median of steps of ${STEP}`, 'quartiles'],
          row('heap', heap),
          row('private pages', pages),
        ],
      },
    ],
    notes: [
      'Heap is what garbage collection leaves. Tables that double make single steps dear, so the slope over all is the figure; counts of bytes are not noisy.',
      `Rooms have ${ROOM_MEMBERS} members, and their cost is within.`,
    ],
    faults: [],
    skipped: [],
  }
}

/** A part more each. */
interface PartPlan {
  readonly name: string
  readonly presence: boolean
  readonly client: (at: number) => Promise<ClientPlan>
}

const PLANS: readonly PartPlan[] = [
  { name: 'upgraded, not signed in', presence: false, client: async () => ({ path: '/ws', steps: [], readyAfter: 0 }) },
  { name: 'signed in', presence: false, client: (at) => signedIn(at, 0) },
  { name: 'in a room', presence: false, client: (at) => signedIn(at, 1) },
  { name: 'in two rooms', presence: false, client: (at) => signedIn(at, 2) },
  { name: 'presence on', presence: true, client: (at) => signedIn(at, 2) },
  { name: 'both rooms watched', presence: true, client: (at) => signedIn(at, 2, true) },
]

async function runParts(options: PartOptions): Promise<PartReport> {
  const found: { readonly name: string; readonly memory: Memory }[] = []
  const whole = await withCrowd(async (crowd) => {
    options.say('memory-parts: a bare ws socket')
    found.push({ name: 'a bare ws socket, for comparison', memory: await bareSocket(crowd) })
    for (const { name, presence, client } of PLANS) {
      options.say(`memory-parts: ${name}`)
      await using cluster = await startPresenceCluster(1, presence, { accept: UNAUTHENTICATED })
      const [gateway] = cluster.gateways
      if (gateway === undefined) throw new Error('no gateway')
      found.push({ name, memory: await slopeOf(fill(gateway, { crowd, port: gateway.port, client })) })
    }
    return found
  })
  if (whole === null) return skippedPart(MEMORY_PARTS.id, MEMORY_PARTS.title, new NoCompiler().message)
  const notes = [
    `Slopes from ${PARTS_FROM} to ${PARTS_TO} connections; each row has what those above it have, but for the first. Rooms have ${ROOM_MEMBERS} members.`,
  ]
  return {
    id: MEMORY_PARTS.id,
    title: MEMORY_PARTS.title,
    budgets: [],
    tables: [partsTable(found)],
    notes,
    faults: [],
    skipped: [],
  }
}

function partsTable(found: readonly { readonly name: string; readonly memory: Memory }[]): FigureTable {
  const rows = found.map(({ name, memory }, at) => {
    const before = at < 2 ? undefined : found[at - 1]
    const more = before === undefined ? '' : kilobytes(memory.heapBytes - before.memory.heapBytes)
    return [name, kilobytes(memory.heapBytes), more, kilobytes(memory.privateBytes)]
  })
  return { title: 'KB of a connection', rows: [['', 'heap', 'more', 'private pages'], ...rows] }
}

async function bareSocket(crowd: Crowd): Promise<Memory> {
  const child = startChild({
    command: process.execPath,
    args: [new URL('../peers/ws-empty.ts', import.meta.url).pathname],
    env: { PATH: process.env.PATH, ...PROBED },
  })
  try {
    const port = Number(await child.line((line) => /^\d+$/.test(line), 'the port of a bare server'))
    const process = {
      child,
      get log() {
        return child.lines.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
      },
    }
    return await slopeOf(fill(process, { crowd, port, client: async () => ({ path: '/', steps: [], readyAfter: 0 }) }))
  } finally {
    await child.kill()
  }
}

function fill(
  process: Parameters<typeof memoryOf>[0],
  to: { readonly crowd: Crowd; readonly port: number; readonly client: (at: number) => Promise<ClientPlan> },
): Filled {
  const group = `of ${to.port}`
  return {
    async memory() {
      await pause(SETTLE_MS)
      return memoryOf(process)
    },
    async open(from, upTo) {
      const plans: ClientPlan[] = []
      for (let at = from; at < upTo; at++) plans.push(await to.client(at))
      await to.crowd.open(group, to.port, plans)
    },
  }
}

async function slopeOf({ memory, open }: Filled): Promise<Memory> {
  await open(0, PARTS_FROM)
  const before = await memory()
  await open(PARTS_FROM, PARTS_TO)
  const after = await memory()
  const added = PARTS_TO - PARTS_FROM
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / added,
    privateBytes: (after.privateBytes - before.privateBytes) / added,
  }
}

async function signedIn(at: number, rooms: number, watch = false): Promise<ClientPlan> {
  const names = Array.from({ length: rooms }, (_, room) => `${room}-${Math.floor(at / ROOM_MEMBERS)}`)
  const plan = gatewayClient(await makeToken(`user${at}`, { ttlSeconds: 7200 }), names)
  if (!watch) return plan
  const steps = plan.steps.map(({ after, text }) => ({ after, text: text.replace('{', '{"presence":true,') }))
  return { ...plan, steps }
}

async function withCrowd<result>(measure: (crowd: Crowd) => Promise<result>): Promise<result | null> {
  const program = await compileCrowd()
  if (program === null) return null
  const processes = new Processes()
  try {
    return await measure(await startCrowd(processes, program))
  } finally {
    await processes.stop()
  }
}
