import { describe, expect, test } from 'vitest'
import { followedRoom } from '../../../test/harness/followed-room.ts'
import { Witness } from '../../../test/harness/history-fakes.ts'

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at)

describe('who joins without a position', () => {
  test('is a member at once, where the room stands', async () => {
    const { stream, check, publish, joiner, join } = followedRoom()
    check()
    publish(3)
    const one = joiner()
    expect(await join(one)).toEqual({ epoch: 'e1', end: { offset: 3, time: 1003 }, recovered: null })
    publish()
    expect([one.events, stream.asked]).toEqual([['member', 4], []])
  })

  test('is told the later end of the stream at which nothing was missing', async () => {
    const { stream, check, publish, joiner, join } = followedRoom()
    check()
    publish(3)
    stream.others(4)
    check()
    expect((await join(joiner()))?.end.offset).toBe(7)
  })

  test('gets the last messages if it asks for them, and then live ones, without a hole between', async () => {
    const { stream, check, publish, lose, joiner, join } = followedRoom()
    lose(20)
    check()
    publish(2)
    const one = joiner()
    stream.meanwhile = () => publish(3)
    expect(await join(one, { last: 6 })).toMatchObject({ end: { offset: 25 }, recovered: null })
    expect(one.events).toEqual([...numbers(17, 25), 'member'])
  })

  test('gets what came between though another one had asked for as many before', async () => {
    const { stream, check, publish, lose, joiner, join } = followedRoom()
    lose(20)
    check()
    const [one, two] = [joiner(), joiner()]
    const first = join(one, { last: 6 })
    publish(3)
    const second = join(two, { last: 6 })
    await Promise.all([first, second])
    expect(stream.asked.filter((read) => read.startsWith('backward'))).toHaveLength(1)
    expect([one.events, two.events]).toEqual([
      [...numbers(15, 23), 'member'],
      [...numbers(15, 23), 'member'],
    ])
  })

  test('asks for the last messages as far as they are known, so that a stale answer is none', async () => {
    const { stream, check, lose, joiner, join } = followedRoom()
    lose(20)
    check()
    await join(joiner(), { last: 6 })
    expect(stream.asked).toContain('backward 21 6 20')
  })
})

describe('who comes back with a position', () => {
  test('is served by what is at hand, without a read', async () => {
    const { stream, check, publish, joiner, join, since } = followedRoom()
    check()
    publish(5)
    const one = joiner()
    expect(await join(one, since(2, 1002))).toMatchObject({ end: { offset: 5 }, recovered: true })
    expect([one.events, stream.asked]).toEqual([[3, 4, 5, 'member'], []])
  })

  test('case 14: gets exactly what came after a room in which nothing had come yet', async () => {
    const { stream, check, publish, joiner, join, since } = followedRoom()
    stream.others(7)
    check()
    publish(3)
    const one = joiner()
    expect(await join(one, since(7, 1007))).toMatchObject({ recovered: true, end: { offset: 10 } })
    expect(one.events).toEqual([8, 9, 10, 'member'])
  })

  test('gets everything in pages, however much more comes at each step, and each once', async () => {
    const { stream, check, publish, lose, joiner, join, since } = followedRoom()
    lose(30)
    check()
    publish(2)
    let left = 20
    const more = (): void => {
      if (left-- > 0) publish()
    }
    stream.meanwhile = more
    const one = joiner({ paced: more })
    const result = await join(one, since(3, 1003))
    expect(result).toMatchObject({ recovered: true, end: { offset: stream.sequence } })
    expect(one.events).toEqual([...numbers(4, stream.sequence), 'member'])
  })

  test('with a slow socket is not sent more than it takes, and falls behind what is at hand without a hole', async () => {
    const { stream, check, publish, lose, joiner, join, since } = followedRoom({ ringMessages: 3 })
    lose(20)
    check()
    let sent = 0
    let left = 12
    const one = joiner({
      room: () => {
        sent++
        return false
      },
      paced: () => {
        expect(sent).toBeLessThanOrEqual(1)
        sent = 0
        if (left-- > 0) publish(2)
      },
    })
    expect(await join(one, since(5))).toMatchObject({ recovered: true })
    expect(one.events).toEqual([...numbers(6, stream.sequence), 'member'])
  })

  test('waits for a repair that is under way: its ok comes after what that brings', async () => {
    const { check, publish, lose, joiner, join, since, log } = followedRoom()
    check()
    publish(2)
    lose(3)
    publish()
    expect(log.phase).toBe('repairing')
    const one = joiner()
    expect(await join(one, since(1, 1001))).toMatchObject({ recovered: true, end: { offset: 6 } })
    expect(one.events).toEqual([...numbers(2, 6), 'member'])
  })

  test('is not ahead where a check has told of more than was repaired yet', async () => {
    const { check, publish, lose, joiner, join, since, log } = followedRoom()
    check()
    lose(3)
    publish()
    lose(3)
    check()
    expect(log.phase).toBe('repairing')
    const one = joiner()
    expect(await join(one, since(6, 1006))).toMatchObject({ recovered: true, end: { offset: 7 } })
    expect(one.events).toEqual([7, 'member'])
  })

  test.each<[string, [number, (number | undefined)?, string?], string]>([
    ['of another epoch', [2, undefined, 'other'], 'epoch'],
    ['behind the end', [99], 'ahead'],
    ['at which another message stands', [3, 5], 'mismatch'],
    ['at which another message was, where the ring begins', [20, 5], 'mismatch'],
  ])('%s is not recovered: a gap, then live ones', async (_, [offset, time, epoch], reason) => {
    const { check, publish, lose, joiner, join, since } = followedRoom()
    lose(20)
    check()
    publish(2)
    const one = joiner()
    expect(await join(one, since(offset, time, epoch))).toMatchObject({ recovered: false, end: { offset: 22 } })
    publish()
    expect(one.events).toEqual([
      { reason, from: offset, epoch: 'e1', position: { offset: 22, time: 1022 } },
      'member',
      23,
    ])
  })

  test('case 20: is answered at once where its position is bogus', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom()
    lose(20)
    check()
    await join(joiner(), since(Number.MAX_SAFE_INTEGER))
    await join(joiner(), since(3, undefined, 'x'))
    expect(stream.asked).toEqual([])
  })

  test('that is no longer kept gets a gap, and the last messages if it asks for them', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom({ messagesPerSubject: 10 })
    stream.others()
    lose(30)
    check()
    const one = joiner()
    expect(await join(one, { ...since(5), last: 3 })).toMatchObject({ recovered: false, end: { offset: 31 } })
    expect(one.events).toMatchObject([{ reason: 'expired', from: 5, position: { offset: 28 } }, 29, 30, 31, 'member'])
  })

  test('is told so where what it needs goes while it is read', async () => {
    const { stream, check, lose, publish, joiner, join, since } = followedRoom({ messagesPerSubject: 12 })
    stream.others()
    lose(12)
    check()
    let rounds = 0
    // After the first page everything behind it is pushed out.
    stream.meanwhile = () => {
      if (++rounds === 1) publish(30)
    }
    const witness = new Witness(stream, 'e1', 2)
    const one = joiner({ witness })
    expect(await join(one, since(2))).toMatchObject({ recovered: false })
    expect(one.events.filter((event) => typeof event === 'object')).toHaveLength(1)
    expect([witness.broken, witness.unseen()]).toEqual([[], []])
  })

  test('into another epoch that begins midway gets a gap with the new one, and goes on there', async () => {
    const { stream, check, lose, publish, joiner, join, since } = followedRoom()
    lose(20)
    check()
    let rounds = 0
    stream.meanwhile = () => {
      if (++rounds !== 2) return
      stream.recreate('e2')
      lose(5)
      check()
    }
    const one = joiner()
    expect(await join(one, since(2, 1002))).toMatchObject({ recovered: false, epoch: 'e2', end: { offset: 5 } })
    publish()
    expect(one.events.slice(-3)).toMatchObject([{ reason: 'epoch', epoch: 'e2', position: { offset: 5 } }, 'member', 6])
  })

  test('that another one’s read of an earlier epoch would serve reads again', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom()
    lose(20)
    check()
    const first = joiner()
    const reading = join(first, since(0))
    await new Promise((resolve) => setImmediate(resolve))
    stream.recreate('e2')
    lose(8)
    check()
    const one = joiner()
    expect(await join(one, since(0, undefined, 'e2'))).toMatchObject({ epoch: 'e2', recovered: true })
    expect(one.events).toEqual([...numbers(1, 8), 'member'])
    await reading
  })

  test('goes on where a page ends at messages that were deleted by hand', async () => {
    const { stream, check, lose, publish, joiner, join, since } = followedRoom({ ringMessages: 4, reads: 2 })
    lose(6)
    check()
    publish(4)
    // What the ring begins after is gone, and a page from the last one before it ends within the ring.
    stream.delete(6)
    const one = joiner()
    expect(await join(one, since(5, 1005))).toMatchObject({ recovered: true })
    expect(one.events).toEqual([7, 8, 9, 10, 'member'])
  })

  test('costs one read, however many come back at once', async () => {
    const { stream, check, lose, publish, joiner, join, since } = followedRoom({ reads: 50, ringMessages: 50 })
    lose(20)
    check()
    publish(2)
    const crowd = Array.from({ length: 40 }, (_, at) => ({ one: joiner(), from: at % 10 }))
    await Promise.all(crowd.map(({ one, from }) => join(one, since(from, from === 0 ? undefined : 1000 + from))))
    for (const { one, from } of crowd) expect(one.events).toEqual([...numbers(from + 1, 22), 'member'])
    expect(stream.asked.filter((read) => read.startsWith('forward'))).toHaveLength(1)
    await join(joiner(), since(4))
    expect(stream.asked.filter((read) => read.startsWith('forward'))).toHaveLength(1)
  })

  test('is not told that something has gone because another one asks from further back', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom({ messagesPerSubject: 20, reads: 50 })
    lose(20)
    stream.delete(10)
    lose(1)
    check()
    const [first, second] = [joiner(), joiner()]
    const both = await Promise.all([join(first, since(0)), join(second, since(10))])
    // As many as are kept at most follow the first one: whether others have gone is unknown.
    expect(both.map((result) => result?.recovered)).toEqual([false, true])
    expect(second.events).toEqual([...numbers(11, 21), 'member'])
  })

  test('is let go where it leaves midway', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom()
    lose(20)
    check()
    const one = joiner()
    stream.meanwhile = () => {
      if (one.events.length >= 4) one.alive = false
    }
    expect(await join(one, since(0))).toBeNull()
    expect(one.events).not.toContain('member')
    expect(one.events.length).toBeLessThan(20)
  })

  test('is no member where a read fails', async () => {
    const { stream, check, lose, joiner, join, since } = followedRoom()
    lose(20)
    check()
    stream.meanwhile = () => {
      throw new Error('away')
    }
    const one = joiner()
    await expect(join(one, since(3))).rejects.toThrow('away')
    expect(one.events).toEqual([])
  })
})
