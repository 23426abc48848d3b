// B7: does a delivery cost the same, as a multiple of U, with ten members as with ten thousand, and with ten rooms as with ten thousand?
// Each size has servers of its own, one after the other.
import { type BudgetFigure, exactly, type FigureTable, type PartReport } from '../figures.ts'
import { type PartOptions, startFloor } from '../floor.ts'
import { EFFORT_FULL, EFFORT_QUICK, measurePattern, type PatternFigures } from '../measure/measure.ts'
import { type Summary, spread } from '../measure/statistics.ts'
import { membership, type Scenario } from '../scenarios.ts'
import { startGateway } from '../servers/gateway.ts'
import { PEERS, type PeerProgram, startPeer } from '../servers/peers.ts'
import { quartilesOf, share } from '../told.ts'
import { deviationOf } from './deviation.ts'
import type { Part } from './part.ts'

const SIZES = [10, 100, 1000, 10_000]
const SIZES_QUICK = [10, 1000]
/** What ratios may differ from their middle. */
const DEVIATION_MAX = 0.15
const ROOM_MEMBERS = 10
/** Connections of the reference while rooms grow: the same for each size, as a turn has ten deliveries at each. */
const ROOMS_REFERENCE = 1000

/** The part. */
export const GROWTH: Part = { id: 'growth', title: 'from 10 to 10,000 members and rooms', usual: true, run }

/** One room that grows: a message a turn. */
function members(size: number): Scenario {
  const pattern = { name: `${size} members`, messages: 1, everyMs: null, budget: null }
  return { id: 'growth', title: '', connections: size, rooms: 1, roomsEach: 1, patterns: [pattern] }
}

/** Rooms of ten that become more: a message a turn, so ten deliveries, whatever there is beside. */
function rooms(size: number): Scenario {
  const connections = Math.min(1000, size * ROOM_MEMBERS)
  const roomsEach = (size * ROOM_MEMBERS) / connections
  const pattern = { name: `${size} rooms`, messages: 1, everyMs: null, budget: null }
  return { id: 'growth', title: '', connections, rooms: size, roomsEach, patterns: [pattern] }
}

async function run(options: PartOptions): Promise<PartReport> {
  const sizes = options.quick ? SIZES_QUICK : SIZES
  const found = {
    members: await grow(sizes.map(members), options, (scenario) => scenario.connections),
    rooms: await grow(sizes.map(rooms), options, () => ROOMS_REFERENCE),
  }
  const all = [...found.members, ...found.rooms]
  return {
    id: GROWTH.id,
    title: GROWTH.title,
    budgets: [budgetOf('10 → 10,000 members', found.members), budgetOf('10 → 10,000 rooms', found.rooms)],
    tables: [
      tableOf('One room, one message a turn', found.members),
      tableOf('Rooms of ten, one message a turn', found.rooms),
    ],
    notes: [
      'U is measured beside each size: over as many connections while members grow, over 1000 while rooms do.',
      'A deviation is how far the lowest and the highest ratio are from the middle between them; its quartiles are the least and the most that those of both allow.',
      'A message has a cost of its own beside its deliveries, which ten members share among ten.',
    ],
    faults: all.flatMap(({ faults }) => faults),
    skipped: [],
  }
}

/** @param connectionsOf - of the reference, by size */
async function grow(
  scenarios: readonly Scenario[],
  options: PartOptions,
  connectionsOf: (scenario: Scenario) => number,
): Promise<PatternFigures[]> {
  const figures: PatternFigures[] = []
  for (const scenario of scenarios) figures.push(await measureSize(scenario, options, connectionsOf(scenario)))
  return figures
}

async function measureSize(scenario: Scenario, options: PartOptions, connections: number): Promise<PatternFigures> {
  const [pattern] = scenario.patterns
  if (pattern === undefined) throw new Error('a size without a pattern')
  options.say(`growth: ${pattern.name}`)
  await using floor = await startFloor(options)
  const gateway = await startGateway(floor.processes, { ...floor, name: 'gateway', prefix: 'bench-gateway' })
  const [rawLoop] = PEERS as readonly [PeerProgram]
  const reference = await startPeer(floor.processes, rawLoop, { ...floor, prefix: 'bench-raw', rooms: 1 })
  await floor.open(gateway, membership(scenario))
  await floor.open(
    reference,
    Array.from({ length: connections }, () => [0]),
  )
  const effort = options.quick ? EFFORT_QUICK : EFFORT_FULL
  return await measurePattern(floor, {
    scenario,
    pattern,
    reference,
    others: [gateway],
    referenceConnections: connections,
    effort,
  })
}

function budgetOf(what: string, figures: readonly PatternFigures[]): BudgetFigure {
  const deviation = deviationOf(figures.map(ratioOf))
  const quiet = figures.every((one) => spread(ratioOf(one)) <= DEVIATION_MAX)
  const figure = quiet ? exactly(deviation.median) : deviation
  return { id: 'B7', what, unit: 'of the ratio to U', figure, limit: DEVIATION_MAX, decimals: 3, exact: quiet }
}

function ratioOf({ servers }: PatternFigures): Summary {
  return servers[0]?.ratio ?? exactly(Number.NaN)
}

function tableOf(title: string, figures: readonly PatternFigures[]): FigureTable {
  const rows = figures.map((one) => {
    const ratio = ratioOf(one)
    return [
      one.pattern.name,
      ratio.median.toFixed(3),
      quartilesOf(ratio, 3),
      one.unit.median.toFixed(2),
      (one.servers[0]?.micros.median ?? Number.NaN).toFixed(2),
      String(ratio.count),
      share(one.sinkLoadMax),
    ]
  })
  return { title, rows: [['', '× U', 'quartiles', 'U µs', 'µs', 'slices', 'sink busy'], ...rows] }
}
