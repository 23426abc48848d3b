// What presence costs, so that it does not grow unseen: writes follow changed rooms and not sockets, and a question is quick beside
// traffic. The figures themselves come from test/bench/presence.
import { describe, expect } from 'vitest'
import { startPresenceCluster } from '../bench/presence/cluster.ts'
import { measureQueries } from '../bench/presence/queries.ts'
import { writesPerRoom } from '../bench/presence/report.ts'
import { measureWrites, type WriteFigures } from '../bench/presence/writes.ts'
import { test } from '../harness/stage.ts'

type Two = readonly [WriteFigures, WriteFigures]

describe('what gateways write', () => {
  test('grows with the rooms that change, not with sockets, and is nothing while nothing changes', async ({
    stage,
  }) => {
    const cluster = stage.use(await startPresenceCluster(2))
    const plan = { sockets: [160, 1280], changedRooms: [20, 160], rounds: 2, roundMs: 700, restMs: 1000 }
    const { bySockets, byRooms, idle, connects } = await measureWrites(cluster, plan)
    const [few, many] = bySockets as unknown as Two
    // Eight times the sockets and four times the changes; what comes within 200 ms is one write, on a slow machine some more.
    expect(many.changes).toBe(4 * few.changes)
    expect(writesPerRoom(few)).toBeGreaterThan(0.9)
    expect(many.writes.room / few.writes.room).toBeLessThan(3)
    const [quiet, busy] = byRooms as unknown as Two
    expect(busy.writes.room / quiet.writes.room).toBeGreaterThan(6)
    expect(busy.writes.room / quiet.writes.room).toBeLessThan(10)
    expect([idle.writes.room, idle.writes.user]).toEqual([0, 0])
    expect(connects.writes.user).toBeLessThanOrEqual(connects.sockets)
  })
})

test('a question for the members of a room takes less than 50 ms at p99 beside traffic', async ({ stage }) => {
  const cluster = stage.use(await startPresenceCluster(2))
  const plan = { members: 100, questions: 500, publishesPerSecond: 50, changesPerSecond: 100 }
  const { members, p99, roundTripP99 } = await measureQueries(cluster, plan)
  expect(members).toBeGreaterThan(90)
  // Where a mere ping takes that long, the machine is what was measured.
  expect(p99).toBeLessThan(Math.max(50, 10 * roundTripP99))
})
