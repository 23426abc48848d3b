// Who connects and says nothing, or says it byte by byte: bounded, and gone within the times that the product has by default.
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { Dialled, upgradeRequest } from '../harness/flood-dial.ts'
import { testWithFlood } from '../harness/flood-stage.ts'

const test = testWithFlood({
  settings: { accept: { connectionsMax: 3000, unauthenticatedMax: 1000, addressConnectionsPerSecond: 100_000 } },
})

/** Deadlines of 10 s, and what a machine three times slower than ours is late with. */
const GONE_MS = 16_000
const FROM = '198.51.100.7'

/** Sends a request byte by byte, a byte each time that it is called. */
function creeping(port: number): { readonly dialled: Dialled; creep(): void } {
  const dialled = new Dialled(port)
  const request = upgradeRequest({ from: FROM })
  let sent = 0
  return {
    dialled,
    creep() {
      if (!dialled.over) dialled.write(request[sent] ?? '')
      sent++
    },
  }
}

test('case 54: of 5,000 silent sockets 1,000 are let in at a time and closed after 10 s, as are mute connections and requests that come byte by byte; users stay', async ({
  flooded: { gateway, users },
}) => {
  const statuses: Record<string, number> = {}
  const held: Dialled[] = []
  let waiting = 0
  // Some hundred at a time, or the bound of connections that are neither would refuse them without an answer.
  for (let wave = 0; wave < 20; wave++) {
    const dialled = Array.from({ length: 250 }, () => new Dialled(gateway.port))
    for (const one of dialled) one.write(upgradeRequest({ from: FROM }))
    for (const one of dialled) {
      const status = await one.status
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === '101') held.push(one)
    }
    waiting = Math.max(waiting, (await gateway.metrics()).value('connections_unauthenticated'))
  }
  const openedAt = performance.now()
  // On a machine that takes longer than ten seconds for it the first have made room by then.
  expect(statuses['101']).toBeGreaterThanOrEqual(1000)
  expect(statuses['503']).toBeGreaterThan(0)
  expect((statuses['101'] ?? 0) + (statuses['503'] ?? 0)).toBe(5000)
  expect(waiting).toBe(1000)
  const mute = Array.from({ length: 200 }, () => new Dialled(gateway.port))
  const slow = Array.from({ length: 200 }, () => creeping(gateway.port))
  const all = [...held, ...mute, ...slow.map(({ dialled }) => dialled)]
  let most = 0
  while (all.some(({ over }) => !over)) {
    expect(performance.now() - openedAt).toBeLessThan(GONE_MS)
    // A byte in each quarter of a second would take a minute for a request.
    for (const one of slow) one.creep()
    most = Math.max(most, ...(await users.slice(250)))
  }
  expect(most).toBeLessThan(5000)
  expect(users.closed).toBe(0)
  const codes = await Promise.all(held.map((one) => one.outcome(performance.now())))
  expect(new Set(codes)).toEqual(new Set(['4001']))
  const late = await Promise.all(slow.map(({ dialled }) => dialled.status))
  expect(new Set(late)).toEqual(new Set(['408']))
  await eventually(async () => (await gateway.metrics()).value('connections_unauthenticated')).toBe(0)
})
