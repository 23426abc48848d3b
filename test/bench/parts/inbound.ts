// B12: what a publish costs the gateway, against a message to a ws server that forgets it. Every message must be heard on NATS.
import type { PartReport } from '../figures.ts'
import { skippedPart } from '../figures.ts'
import { NoCompiler, type PartOptions, startFloor } from '../floor.ts'
import { cpuMillisOf } from '../measure/cpu.ts'
import { roomSubject } from '../measure/source.ts'
import { ratiosToNeighbours, type SliceCost, summarise } from '../measure/statistics.ts'
import { messagePayload } from '../message.ts'
import { MESSAGE_BYTES, roomName } from '../scenarios.ts'
import { startGateway } from '../servers/gateway.ts'
import { startPeer } from '../servers/peers.ts'
import type { BenchServer } from '../servers/server.ts'
import type { Crowd } from '../sink/crowd-process.ts'
import { quartilesOf } from '../told.ts'
import type { Part } from './part.ts'

/** The part. */
export const INBOUND: Part = { id: 'inbound', title: 'publishes of clients', usual: true, run }

const CLIENTS = 100
const TURNS = 60
const TURNS_WARM = 400
/** A turn is some 2 ms of work for a gateway. */
const EVERY_MS = 6
const SLICES = 24
const SLICES_QUICK = 8
const PREFIX = 'bench-inbound'
const HANDLER = 'ws, empty handler'
const BUDGET = 1.5

async function run(options: PartOptions): Promise<PartReport> {
  try {
    return await measure(options)
  } catch (error) {
    if (error instanceof NoCompiler) return skippedPart(INBOUND.id, INBOUND.title, error.message)
    throw error
  }
}

async function measure(options: PartOptions): Promise<PartReport> {
  await using floor = await startFloor(options)
  const rates = {
    SLUICE_LIMITS_PUBLISHES_PER_SECOND: '100000',
    SLUICE_LIMITS_PUBLISH_BURST: '200000',
  }
  const gateway = await startGateway(floor.processes, {
    ...floor,
    name: 'gateway',
    prefix: PREFIX,
    env: rates,
    profiles: options.profiles,
  })
  const empty = { name: HANDLER, file: '../peers/ws-empty.ts' }
  const reference = await startPeer(floor.processes, empty, { ...floor, prefix: 'bench-empty', rooms: 0 })
  const crowd = await floor.crowd()
  options.say('inbound: clients publish')
  for (const server of [gateway, reference]) {
    const plans = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => server.clientOf(at, [])))
    await crowd.open(server.name, server.port, plans)
  }
  let heard = 0
  floor.source.nats.subscribe(roomSubject(PREFIX, roomName(0)), { callback: () => void heard++ })
  await floor.source.nats.flush()
  const lane = { crowd, heard: () => heard, flush: () => floor.source.nats.flush() }

  for (const server of [gateway, reference]) await slice(server, TURNS_WARM, lane)
  const slices: (SliceCost & { readonly fault: string | null })[] = [await slice(reference, TURNS, lane)]
  for (let at = 0; at < (options.quick ? SLICES_QUICK : SLICES); at++) {
    slices.push(await slice(gateway, TURNS, lane), await slice(reference, TURNS, lane))
  }
  return reportOf(slices)
}

/** What publishes are seen with. */
interface Lane {
  readonly crowd: Crowd
  readonly heard: () => number
  readonly flush: () => Promise<void>
}

async function slice(
  server: BenchServer,
  turns: number,
  { crowd, heard, flush }: Lane,
): Promise<SliceCost & { readonly fault: string | null }> {
  const data = messagePayload(MESSAGE_BYTES, 0).toString()
  const text = `{"type":"publish","room":"${roomName(0)}","data":${data}}`
  const before = heard()
  const cpuBefore = cpuMillisOf(server.pid)
  const answered = await crowd.send(server.name, { times: turns, everyMs: EVERY_MS, text })
  const micros = ((cpuMillisOf(server.pid) - cpuBefore) * 1000) / (turns * CLIENTS)
  await flush()
  const missing = server.name === HANDLER ? 0 : turns * CLIENTS - (heard() - before)
  const fault =
    answered < CLIENTS
      ? `${CLIENTS - answered} clients had no pong`
      : missing === 0
        ? null
        : `${missing} publishes were not heard`
  return { server: server.name, micros: fault === null ? micros : Number.NaN, fault }
}

function reportOf(slices: readonly (SliceCost & { readonly fault: string | null })[]): PartReport {
  const ratio = summarise(ratiosToNeighbours(slices, HANDLER).get('gateway') ?? [])
  const row = (name: string): string[] => {
    const micros = summarise(
      slices.filter(({ server, fault }) => server === name && fault === null).map((one) => one.micros),
    )
    return [name, micros.median.toFixed(2), quartilesOf(micros, 2), String(micros.count)]
  }
  return {
    id: INBOUND.id,
    title: INBOUND.title,
    budgets: [{ id: 'B12', what: 'a publish', unit: '× an empty handler', figure: ratio, limit: BUDGET, decimals: 3 }],
    tables: [{ title: 'CPU of a message in', rows: [['', 'µs', 'quartiles', 'slices'], row('gateway'), row(HANDLER)] }],
    notes: [
      `${CLIENTS} clients send one message of ${MESSAGE_BYTES} bytes each ${EVERY_MS} ms, without an id; nobody is in the room.`,
    ],
    faults: slices.flatMap(({ server, fault }) => (fault === null ? [] : [`inbound: ${server}: ${fault}`])),
    skipped: [],
  }
}
