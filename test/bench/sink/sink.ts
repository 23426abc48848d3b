// The sink: a process that holds the clients of all servers, reads and counts. While it counts it does not wait in the kernel but
// looks once a millisecond: a server's write then never wakes it, as it never wakes a client on another machine. Not imported:
// the benchmark starts it.
import { type Client, openClient } from './client.ts'
import type { ClientPlan, Counted, SinkOrder, SinkReport } from './orders.ts'

const LOOK_MS = 1
/** Handshakes under way at once. */
const OPENING_MAX = 50

interface Counting {
  readonly clients: readonly Client[]
  readonly messagesOfTurn: number
  readonly bytesBefore: number
  readonly startedMs: number
  readonly cpuBefore: NodeJS.CpuUsage
  turns: number
}

const groups = new Map<string, Client[]>()
const sleeper = new Int32Array(new SharedArrayBuffer(4))
let counting: Counting | null = null

function tell(report: SinkReport): void {
  process.send?.(report)
}

async function open(group: string, port: number, plans: readonly ClientPlan[]): Promise<void> {
  const clients: Client[] = []
  for (let at = 0; at < plans.length; at += OPENING_MAX) {
    const some = plans.slice(at, at + OPENING_MAX)
    clients.push(...(await Promise.all(some.map((plan) => openClient(port, plan)))))
  }
  groups.set(group, clients)
  tell({ kind: 'opened' })
}

function begin(group: string, messagesOfTurn: number): void {
  const clients = groups.get(group) ?? []
  counting = {
    clients,
    messagesOfTurn,
    bytesBefore: bytesOf(clients),
    startedMs: performance.now(),
    cpuBefore: process.cpuUsage(),
    turns: 0,
  }
  look()
}

/** Runs after each round of reads. */
function look(): void {
  if (counting === null) return
  const turns = Math.floor(received(counting.clients) / counting.messagesOfTurn)
  if (turns > counting.turns) {
    counting.turns = turns
    tell({ kind: 'turn', turns })
  }
  Atomics.wait(sleeper, 0, 0, LOOK_MS)
  setImmediate(look)
}

function end(expected: readonly number[]): void {
  if (counting === null) return
  const { clients, bytesBefore, startedMs, cpuBefore } = counting
  counting = null
  const { user, system } = process.cpuUsage(cpuBefore)
  const counted: Counted = {
    messages: received(clients),
    bytes: bytesOf(clients) - bytesBefore,
    wrong: clients.filter(({ counter, base }, at) => counter.messages - base !== expected[at]).length,
    lost: clients.filter(({ closed }) => closed).length,
    load: (user + system) / 1000 / (performance.now() - startedMs),
  }
  // From here, and not from the next slice's begin: what comes in between is then wrong there.
  for (const client of clients) client.base = client.counter.messages
  tell({ kind: 'counted', ...counted })
}

function received(clients: readonly Client[]): number {
  let sum = 0
  for (const { counter, base } of clients) sum += counter.messages - base
  return sum
}

function bytesOf(clients: readonly Client[]): number {
  let sum = 0
  for (const { counter } of clients) sum += counter.bytes
  return sum
}

process.on('message', (order: SinkOrder) => {
  switch (order.kind) {
    case 'open':
      open(order.group, order.port, order.clients).catch((error: Error) => tell({ kind: 'failed', why: error.message }))
      return
    case 'begin':
      return begin(order.group, order.messagesOfTurn)
    case 'end':
      return end(order.expected)
  }
})
// Without the benchmark there is nobody to count for.
process.on('disconnect', () => process.exit())
console.log('ready')
