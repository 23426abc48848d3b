import { describe, expect, test } from 'vitest'
import { deliveriesOfTurn, membership, roomChooser, roomName, SCENARIOS } from './scenarios.ts'

describe.each(SCENARIOS)('scenario $id', (scenario) => {
  const roomsOf = membership(scenario)

  test('every connection is in as many different rooms as it says', () => {
    expect(roomsOf).toHaveLength(scenario.connections)
    for (const rooms of roomsOf) expect(new Set(rooms).size).toBe(scenario.roomsEach)
  })

  test('all rooms are equally big', () => {
    const sizes = Array.from({ length: scenario.rooms }, () => 0)
    for (const room of roomsOf.flat()) sizes[room]!++
    expect(new Set(sizes)).toEqual(new Set([(scenario.connections * scenario.roomsEach) / scenario.rooms]))
  })

  test.each(scenario.patterns)(
    'in "$name" every turn brings equally many deliveries, to rooms by chance',
    (pattern) => {
      const choose = roomChooser(scenario, pattern)
      const turns = Array.from({ length: 50 }, choose)
      for (const turn of turns) {
        const received = turn.map((room) => roomsOf.filter((rooms) => rooms.includes(room)).length)
        expect(received.reduce((sum, count) => sum + count, 0)).toBe(deliveriesOfTurn(scenario, pattern))
      }
      if (scenario.rooms > 1) expect(new Set(turns.map(String)).size).toBe(turns.length)
      expect(Array.from({ length: 50 }, roomChooser(scenario, pattern))).toEqual(turns)
    },
  )

  test('two runs are alike', () => {
    expect(membership(scenario)).toEqual(roomsOf)
  })
})

test('the rooms of two connections differ', () => {
  const [first, second] = membership({ connections: 1000, rooms: 100, roomsEach: 10 })
  expect(first).not.toEqual(second)
})

test('room names are equally long', () => {
  expect(new Set([0, 9, 10, 99].map((room) => roomName(room).length)).size).toBe(1)
})
