// B9: copies of a message into and out of NATS, by the server's own count.
import { countCopies } from '../../harness/nats-copies.ts'
import { type BudgetFigure, exactly, type PartReport } from '../figures.ts'
import type { PartOptions } from '../floor.ts'
import type { Part } from './part.ts'

/** The part. */
export const TRAFFIC: Part = { id: 'traffic', title: 'copies of a message on NATS', usual: true, run }

const MESSAGES = 100

async function run({ say }: PartOptions): Promise<PartReport> {
  say('traffic: three gateways, members on two')
  await using stack = new AsyncDisposableStack()
  const { spent, deliveries, publishes } = await countCopies((resource) => stack.use(resource), MESSAGES)
  const [one, two, three] = spent
  if (one === undefined || two === undefined || three === undefined) throw new Error('a gateway is missing')
  const budget = (what: string, count: number, limit: number): BudgetFigure => {
    return {
      id: 'B9',
      what,
      unit: 'copies a message',
      figure: exactly(count / MESSAGES),
      limit,
      decimals: 2,
      exact: true,
    }
  }
  const whole = one.got === MESSAGES && two.got === MESSAGES && three.sent === MESSAGES
  return {
    id: TRAFFIC.id,
    title: TRAFFIC.title,
    budgets: [
      budget('in, from the gateway of the publisher', three.sent, 1),
      budget('out, to each gateway with members', Math.max(one.got, two.got), 1),
      budget('in or out of any other', one.sent + two.sent + three.got, 0),
    ],
    tables: [],
    notes: [
      `${MESSAGES} messages: ${publishes} publishes, ${deliveries} deliveries on one of the two gateways with ten members each.`,
    ],
    faults: whole ? [] : ['traffic: fewer copies than messages'],
    skipped: [],
  }
}
