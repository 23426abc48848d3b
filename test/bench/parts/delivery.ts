// B1 and B2: what a delivery costs the gateway, as a multiple of U, beside the peers.
import type { BudgetFigure, FigureTable, PartReport } from '../figures.ts'
import { type Floor, type PartOptions, startFloor } from '../floor.ts'
import {
  EFFORT_FULL,
  EFFORT_QUICK,
  measurePattern,
  type PatternFigures,
  type ServerFigures,
} from '../measure/measure.ts'
import { spread } from '../measure/statistics.ts'
import { membership, SCENARIOS, type Scenario } from '../scenarios.ts'
import { startGateway } from '../servers/gateway.ts'
import { OPTIONAL_PEERS } from '../servers/optional-peers.ts'
import { PEERS, startPeer } from '../servers/peers.ts'
import type { BenchServer } from '../servers/server.ts'
import { quartilesOf, share } from '../told.ts'
import type { Part } from './part.ts'

/** The gateway's name in the report. */
export const GATEWAY = 'gateway'

/** Above this share of a core the sink may have been what was measured. */
const SINK_LOAD_MAX = 0.8

/** A part for each scenario. */
export const DELIVERY_PARTS: readonly Part[] = SCENARIOS.map((scenario) => ({
  id: scenario.id,
  title: scenario.title,
  usual: true,
  run: (options) => measureDelivery(scenario, options),
}))

/** The servers of a run: the reference first. */
interface Servers {
  readonly reference: BenchServer
  readonly others: readonly BenchServer[]
  readonly skipped: readonly string[]
}

/** Runs a scenario over the gateway and its peers. */
export async function measureDelivery(scenario: Scenario, options: PartOptions): Promise<PartReport> {
  const { say, quick } = options
  say(`${scenario.id}: ${scenario.title}: starting servers and connecting their clients`)
  await using floor = await startFloor(options)
  const { reference, others, skipped } = await startServers(scenario, options, floor)
  const opened: BenchServer[] = []
  const left = [...skipped]
  for (const server of [reference, ...others]) {
    try {
      await floor.open(server, membership(scenario))
      opened.push(server)
    } catch (error) {
      // A peer that cannot serve is left out, and named; ours and what it is compared with must.
      if (server.differs === undefined || server === reference) throw error
      left.push(`${server.name}: ${reasonOf(error as Error)}`)
    }
  }
  const found: PatternFigures[] = []
  const patterns = scenario.patterns.filter(({ budget }) => !quick || budget !== null)
  for (const pattern of patterns) {
    say(`${scenario.id}: ${pattern.name}`)
    const effort = quick ? EFFORT_QUICK : EFFORT_FULL
    found.push(
      await measurePattern(floor, {
        scenario,
        pattern,
        reference,
        others: opened.filter((one) => one !== reference),
        effort,
      }),
    )
  }
  return reportOf(scenario, found, { differences: opened, skipped: left })
}

async function startServers(scenario: Scenario, options: PartOptions, floor: Floor): Promise<Servers> {
  const { against, profiles, peers, quick, say } = options
  const { rooms } = scenario
  const others = [await startGateway(floor.processes, { ...floor, name: GATEWAY, prefix: 'bench-gateway', profiles })]
  if (against !== null) {
    others.push(
      await startGateway(floor.processes, {
        ...floor,
        name: 'gateway, the other',
        prefix: 'bench-against',
        main: against,
      }),
    )
  }
  const own: BenchServer[] = []
  for (const [at, peer] of (quick ? PEERS.slice(0, 1) : PEERS).entries()) {
    own.push(await startPeer(floor.processes, peer, { ...floor, prefix: `bench-peer-${at}`, rooms }))
  }
  const skipped: string[] = []
  const more: BenchServer[] = []
  for (const [at, peer] of OPTIONAL_PEERS.entries()) {
    try {
      if (!peers) throw new Error('left out by --no-peers or --quick')
      more.push(await peer.start({ ...floor, rooms, say }, `bench-more-${at}`))
    } catch (error) {
      skipped.push(`${peer.name}: ${reasonOf(error as Error)}`)
    }
  }
  const [reference, ...rest] = own
  return { reference: reference as BenchServer, others: [...others, ...rest, ...more], skipped }
}

/** One line: what a process said when it ended is long, and its last line about an error says why. */
function reasonOf({ message }: Error): string {
  const lines = message.split('\n')
  return lines.findLast((line) => line.startsWith('Error: ')) ?? lines[0] ?? ''
}

function reportOf(
  scenario: Scenario,
  patterns: readonly PatternFigures[],
  { differences, skipped }: { readonly differences: readonly BenchServer[]; readonly skipped: readonly string[] },
): PartReport {
  const differs = differences.flatMap(({ name, differs }) => (differs === undefined ? [] : [`${name}: ${differs}.`]))
  return {
    id: scenario.id,
    title: scenario.title,
    budgets: patterns.flatMap((figures) => budgetOf(figures)),
    tables: patterns.map(tableOf),
    notes: [
      'U is the CPU of a server process for one net.Socket.write of a prebuilt frame, in the same run.',
      ...differs,
    ],
    faults: patterns.flatMap(({ faults }) => faults),
    skipped,
  }
}

/** The gateway's figure of a pattern that has a budget. */
function budgetOf({ scenario, pattern, servers }: PatternFigures): BudgetFigure[] {
  const own = servers.find(({ name }) => name === GATEWAY)
  if (pattern.budget === null || own === undefined) return []
  const id = scenario.id.toUpperCase()
  return [{ id, what: pattern.name, unit: '× U', figure: own.ratio, limit: pattern.budget, decimals: 3 }]
}

function tableOf({ pattern, unit, servers, sinkLoadMax }: PatternFigures): FigureTable {
  const busy = `the sink was busy for ${share(sinkLoadMax)} at most${sinkLoadMax > SINK_LOAD_MAX ? ': IT MAY BE WHAT WAS MEASURED' : ''}`
  return {
    title: `${pattern.name}: U = ${unit.median.toFixed(2)} µs (${quartilesOf(unit, 2)}); ${busy}`,
    rows: [['', '× U', 'quartiles', 'apart', 'µs', 'slices', 'busy'], ...servers.map(rowOf)],
  }
}

function rowOf({ name, ratio, micros, load }: ServerFigures): string[] {
  return [
    name,
    ratio.median.toFixed(3),
    quartilesOf(ratio, 3),
    share(spread(ratio)),
    micros.median.toFixed(2),
    String(ratio.count),
    share(load),
  ]
}
