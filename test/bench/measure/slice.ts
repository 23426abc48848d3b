// One slice: some turns to one server. It costs what the server's process used meanwhile, and counts only if every client received
// exactly what it should have.
import { setTimeout as pause } from 'node:timers/promises'
import { messagePayload, messageText, textFrame } from '../message.ts'
import { deliveriesOfTurn, MESSAGE_BYTES, type Pattern, roomChooser, roomName, type Scenario } from '../scenarios.ts'
import type { BenchServer } from '../servers/server.ts'
import { cpuMillisOf } from './cpu.ts'
import type { Sink } from './sink-process.ts'

/** What slices are run with: the sink that holds the clients of a server. */
export interface Bench {
  sinkOf(server: BenchServer): Sink
}

/** Turns, and the least time from one's begin to the next's where the pattern has none. */
export interface Pace {
  readonly turns: number
  readonly periodMs: number
}

/** What a slice has shown. */
export interface Slice {
  readonly server: string
  /** CPU of the server for one delivery, in microseconds. */
  readonly micros: number
  /** The server's CPU time for the time that went by. */
  readonly load: number
  readonly sinkLoad: number
  /** Why the slice does not count; null if it does. */
  readonly fault: string | null
}

/** A turn that is not received by then has lost something. */
const TURN_MS = 10_000

/** All frames of a gateway, and of those that send what it sends, are equally long. */
export const FRAME_BYTES: number = textFrame(messageText(roomName(0), messagePayload(MESSAGE_BYTES, 0))).length

/** What is run: a pattern, and who is in which room. */
export interface Traffic {
  readonly scenario: Scenario
  readonly pattern: Pattern
  /** For each connection its rooms. */
  readonly membership: readonly (readonly number[])[]
}

/**
 * Runs a slice.
 *
 * @throws Error when clients have lost their connection: the run can't go on
 */
export async function runSlice(
  bench: Bench,
  { server, traffic, pace }: { readonly server: BenchServer; readonly traffic: Traffic; readonly pace: Pace },
): Promise<Slice> {
  const { scenario, pattern, membership } = traffic
  const { turns, periodMs } = pace
  const sink = bench.sinkOf(server)
  const choose = roomChooser(scenario, pattern)
  const rooms = Array.from({ length: turns }, choose)
  const deliveries = deliveriesOfTurn(scenario, pattern)
  sink.begin(server.name, deliveries)
  const cpuBefore = cpuMillisOf(server.pid)
  const startedMs = performance.now()
  let inTime = true
  for (let turn = 0; turn < turns && inTime; turn++) {
    const turnMs = performance.now()
    server.publish(rooms[turn] ?? [])
    if (pattern.everyMs === null) inTime = await sink.turns(turn + 1, TURN_MS)
    const nextMs = pattern.everyMs === null ? turnMs + periodMs : startedMs + (turn + 1) * pattern.everyMs
    await pause(Math.max(0, nextMs - performance.now()))
  }
  if (inTime) await sink.turns(turns, TURN_MS)
  const cpuMs = cpuMillisOf(server.pid) - cpuBefore
  const wallMs = performance.now() - startedMs
  const counted = await sink.end(expectedOf(membership, rooms.flat()))
  if (counted.lost > 0) throw new Error(`${server.name}: ${counted.lost} connections were lost`)
  const expected = deliveries * turns
  return {
    server: server.name,
    micros: (cpuMs * 1000) / expected,
    load: cpuMs / wallMs,
    sinkLoad: counted.load,
    fault: faultOf(counted, expected, server.frameBytes),
  }
}

/** What each connection receives of messages to those rooms. */
function expectedOf(membership: Traffic['membership'], rooms: readonly number[]): number[] {
  const messages = new Map<number, number>()
  for (const room of rooms) messages.set(room, (messages.get(room) ?? 0) + 1)
  return membership.map((own) => own.reduce((sum, room) => sum + (messages.get(room) ?? 0), 0))
}

function faultOf(
  counted: { readonly messages: number; readonly bytes: number; readonly wrong: number },
  expected: number,
  frameBytes: number | null,
): string | null {
  if (counted.messages !== expected) return `received ${counted.messages} of ${expected}`
  if (counted.wrong > 0) return `${counted.wrong} clients received too much or too little`
  const bytes = frameBytes === null ? counted.bytes : expected * frameBytes
  return counted.bytes === bytes ? null : `received ${counted.bytes} bytes, not ${bytes}`
}
