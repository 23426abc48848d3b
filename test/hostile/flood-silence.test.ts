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

test('case 54: of 5,000 silent sockets 1,000 are let in, closed after 10 s with 4001, and users notice nothing', async ({
  flooded: { gateway, users },
}) => {
  const quiet = await users.slice(500)
  expect(quiet.length).toBeGreaterThan(100)
  const statuses: Record<string, number> = {}
  const held: Dialled[] = []
  // Some hundred at a time, or the bound of connections that are neither would refuse them without an answer.
  for (let wave = 0; wave < 20; wave++) {
    const dialled = Array.from({ length: 250 }, () => new Dialled(gateway.port))
    for (const one of dialled) one.write(upgradeRequest({ from: '198.51.100.7' }))
    for (const one of dialled) {
      const status = await one.status
      statuses[status] = (statuses[status] ?? 0) + 1
      if (status === '101') held.push(one)
    }
  }
  const openedAt = performance.now()
  expect(statuses).toEqual({ '101': 1000, '503': 4000 })
  expect((await gateway.metrics()).value('connections_unauthenticated')).toBe(1000)
  let most = 0
  while (held.some(({ over }) => !over)) {
    expect(performance.now() - openedAt).toBeLessThan(GONE_MS)
    most = Math.max(most, ...(await users.slice(250)))
  }
  expect(most).toBeLessThan(2000)
  expect(users.closed).toBe(0)
  const codes = new Set(await Promise.all(held.map((one) => one.outcome(performance.now()))))
  expect(codes).toEqual(new Set(['4001']))
  await eventually(async () => (await gateway.metrics()).value('connections_unauthenticated')).toBe(0)
})

test('connections that say nothing, and requests that come byte by byte, are bounded and ended after 10 s', async ({
  flooded: { gateway, users },
}) => {
  const mute = Array.from({ length: 200 }, () => new Dialled(gateway.port))
  const slow = Array.from({ length: 200 }, () => new Dialled(gateway.port))
  const request = upgradeRequest({ from: '198.51.100.8' })
  const openedAt = performance.now()
  let sent = 0
  while ([...mute, ...slow].some(({ over }) => !over)) {
    expect(performance.now() - openedAt).toBeLessThan(GONE_MS)
    // A byte in each quarter of a second would take a minute for a request.
    for (const one of slow) if (!one.over) one.write(request[sent] ?? '')
    sent++
    await users.slice(250)
  }
  expect(performance.now() - openedAt).toBeGreaterThan(8000)
  expect(new Set(await Promise.all(slow.map(({ status }) => status)))).toEqual(new Set(['408']))
  expect(users.closed).toBe(0)
})
