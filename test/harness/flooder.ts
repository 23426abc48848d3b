// A process that floods a gateway: run apart from the users whose latency is measured, and with less priority than they have, as real
// attackers bring processors of their own. They know nothing of each other, so their attempts begin evenly spread in time, at a rate; what an
// attack does on its socket is as fast as the gateway reads. Told by messages what to do (flood.ts); what it does is in flood-attacks.ts.
import { setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { FloodOrder, FloodReport } from './flood.ts'
import { type AttackName, attacks } from './flood-attacks.ts'

/** How nice it is. */
const NICENESS = 10
/** Attempts that begin in one millisecond: what a late timer owes is left out, or all of it would come at once. */
const AT_ONCE_MAX = 2

setPriority(NICENESS)
process.on('message', ({ attack, ...order }: FloodOrder) => void flood(attack, order))
process.on('disconnect', () => process.exit())

async function flood(name: AttackName, order: Omit<FloodOrder, 'attack'>): Promise<void> {
  const { port, tokens, ms, hands, perSecond } = order
  const outcomes: Record<string, number> = {}
  const begunAt = performance.now()
  const endsAt = begunAt + ms
  const busy = new Set<Promise<void>>()
  let number = 0
  const attempt = async (): Promise<void> => {
    number++
    const outcome = await attacks[name]({ port, number, endsAt, token: tokens[number % tokens.length] ?? '' })
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  for (let due = 0; performance.now() < endsAt; await pause(1)) {
    const owed = Math.floor(((performance.now() - begunAt) * perSecond) / 1000) - due
    due += owed
    for (let start = 0; start < Math.min(owed, AT_ONCE_MAX) && busy.size < hands; start++) {
      const started: Promise<void> = attempt().finally(() => busy.delete(started))
      busy.add(started)
    }
  }
  await Promise.all(busy)
  const report: FloodReport = { outcomes }
  process.send?.(report)
}
