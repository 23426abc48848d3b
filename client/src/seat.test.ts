import { expect, test } from 'vitest'
import type { Link } from './link.ts'
import { Seats, settle } from './seat.ts'

/** Seats on some sockets, and what was told of them. */
function seated(...names: string[]) {
  const told: string[] = []
  const seats = new Seats()
  const on = names.map((name) => {
    const link = { name } as never as Link
    const seat = seats.take(link, () => told.push(`${name} settled`))
    seat.pending = () => void told.push(`${name} waits no more`)
    return { link, seat }
  })
  return { told, seats, on }
}

test('a seat tells once that its first join is answered', () => {
  const { told, on } = seated('a')
  for (let times = 0; times < 2; times++) settle(on[0]!.seat)
  expect(told).toEqual(['a settled'])
})

test('a socket that is gone ends what its seat waits for, and another that is joined counts from then on', () => {
  const { told, seats, on } = seated('a', 'b', 'c')
  const [a, b, c] = on as [(typeof on)[0], (typeof on)[0], (typeof on)[0]]
  seats.authority = a.link
  c.seat.phase = 'joined'
  seats.vacate(b.link)
  expect(seats.authority).toBe(a.link)
  seats.vacate(a.link)
  seats.vacate(a.link)
  expect(seats.authority).toBe(c.link)
  seats.vacate(c.link)
  expect([seats.authority, seats.size]).toEqual([null, 0])
  expect(told).toEqual(['b', 'a', 'c'].flatMap((name) => [`${name} waits no more`, `${name} settled`]))
})

test('nobody sits who leaves, or whose place was given up or taken again', () => {
  const { seats, on } = seated('a')
  const { link, seat } = on[0]!
  expect(seats.sits(link, seat)).toBe(true)
  seat.phase = 'leaving'
  expect(seats.sits(link, seat)).toBe(false)
  const again = seats.take(link, () => undefined)
  expect([seats.sits(link, seat), seats.sits(link, again)]).toEqual([false, true])
  seats.stand()
  expect(seats.sits(link, again)).toBe(false)
})
