// A process that floods a gateway: run apart from the users whose latency is measured, and with less priority than they have, as real
// attackers bring processors of their own. Told by messages what to do (flood.ts); what it does is in flood-attacks.ts.
import { setPriority } from 'node:os'
import type { FloodOrder, FloodReport } from './flood.ts'
import { type AttackName, attacks } from './flood-attacks.ts'

/** How nice it is. */
const NICENESS = 10

setPriority(NICENESS)
process.on('message', ({ attack, ...order }: FloodOrder) => void flood(attack, order))
process.on('disconnect', () => process.exit())

async function flood(name: AttackName, { port, tokens, ms, hands }: Omit<FloodOrder, 'attack'>): Promise<void> {
  const outcomes: Record<string, number> = {}
  const endsAt = performance.now() + ms
  const attack = attacks[name]
  let number = 0
  const work = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      number++
      const outcome = await attack({ port, number, endsAt, token: tokens[number % tokens.length] ?? '' })
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
  }
  await Promise.all(Array.from({ length: hands }, work))
  const report: FloodReport = { outcomes }
  process.send?.(report)
}
