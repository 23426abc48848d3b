// B6: one of two gateways is killed under thousands of clients, who miss messages and come back to the other.
import { loseGateway } from '../../harness/gateway-loss.ts'
import { type BudgetFigure, exactly, type PartReport } from '../figures.ts'
import type { PartOptions } from '../floor.ts'
import type { Part } from './part.ts'

/** The part. */
export const RECOVERY: Part = {
  id: 'recovery',
  title: 'a gateway is killed under 5,000 clients who miss 20 messages each',
  usual: true,
  run,
}

const PLAN = { sockets: 5000, rooms: 250, missed: 20 }
const PLAN_QUICK = { sockets: 1000, rooms: 50, missed: 20 }
/** Pace of the sweeps that read for all rooms together: one more for each that a storm lasts. See gateway/src/history/logs.ts. */
const SWEEP_MS = 15_000

async function run({ quick, say }: PartOptions): Promise<PartReport> {
  const plan = quick ? PLAN_QUICK : PLAN
  say(`recovery: ${plan.sockets} clients in ${plan.rooms} rooms`)
  await using stack = new AsyncDisposableStack()
  const loss = await loseGateway((resource) => stack.use(resource), plan)
  const sweeps = Math.floor(loss.elapsedMs / SWEEP_MS)
  const budget = (what: string, count: number, limit: number): BudgetFigure => {
    return { id: 'B6', what, unit: '', figure: exactly(count), limit, decimals: 0, exact: true }
  }
  const unsound = loss.unrecovered + loss.miscounted + loss.closed + loss.wrong.length
  return {
    id: RECOVERY.id,
    title: RECOVERY.title,
    budgets: [
      budget('clients that lost, doubled or missed anything', unsound, 0),
      budget('JetStream reads', loss.roomReads + loss.sharedReads, plan.rooms + 2 + sweeps),
    ],
    tables: [
      {
        title: `${plan.sockets} clients in ${plan.rooms} rooms, ${plan.missed} messages each`,
        rows: [
          ['', 'reads of a room', 'shared reads', 'questions about the stream', 'ms until all had recovered'],
          [
            'the gateway that is left',
            loss.roomReads,
            loss.sharedReads,
            loss.stateReads,
            Math.round(loss.elapsedMs),
          ].map(String),
        ],
      },
    ],
    notes: sweeps === 0 ? [] : [`The storm lasted for ${sweeps} sweeps, each of which may read once more.`],
    faults: loss.wrong.slice(0, 3).map((what) => `recovery: ${what}`),
    skipped: [],
  }
}
