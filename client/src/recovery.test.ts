import { describe, expect } from 'vitest'
import { library, record } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { StoredRoom } from '../../test/harness/stored-room.ts'
import type { ConnectOptions } from './options.ts'

const ROOM = 'chat:lobby'

async function stored(stage: Stage, options: ConnectOptions = {}, wishes = {}) {
  const gateway = stage.use(await ScriptedGateway.start())
  const room = new StoredRoom(ROOM).on(gateway)
  const told = library(stage, gateway.url, options)
  const lobby = record(told.sluice.room(ROOM, wishes))
  await lobby.room.ready()
  return { gateway, stored: room, lobby, ...told, first: await gateway.connection(0) }
}

describe('a room with history', () => {
  test('is asked for the last messages at first, and for what was missed after a reconnect', async ({ stage }) => {
    const { gateway, stored: room, lobby, first } = await stored(stage, {}, { history: 2 })
    room.store('live')
    await eventually(() => lobby.data).toEqual(['live'])
    first.cut()
    for (const data of ['missed 1', 'missed 2']) room.store(data)
    await eventually(() => lobby.data).toEqual(['live', 'missed 1', 'missed 2'])
    expect(lobby.messages.map(({ replayed }) => replayed)).toEqual([false, true, true])
    const [before] = room.messages
    expect((await gateway.connection(1)).of('join')).toEqual([
      {
        type: 'join',
        id: expect.any(Number),
        room: ROOM,
        history: 2,
        since: { epoch: 'e1', offset: before?.offset, time: before?.time },
      },
    ])
    await eventually(() => lobby.events).toEqual([
      ['state', 'joined'],
      ['state', 'joining'],
      ['state', 'joined'],
      ['recovered', { messages: 2, from: before?.offset, to: room.position.offset }],
    ])
    expect(first.of('join')[0]).toMatchObject({ history: 2 })
  })

  test('case 14: recovers also where nothing was heard before the drop', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    first.cut()
    for (const data of [1, 2, 3]) room.store(data)
    await eventually(() => lobby.data).toEqual([1, 2, 3])
    await eventually(() => lobby.events.map(([name]) => name)).toContain('recovered')
  })

  test('tells the gap where it cannot be recovered, with its reason, and goes on from there', async ({ stage }) => {
    const { gateway, stored: room, lobby, first } = await stored(stage)
    room.store('heard')
    await eventually(() => lobby.data).toEqual(['heard'])
    const from = room.position.offset
    room.epoch = 'e2'
    first.cut()
    room.store('lost')
    const second = await gateway.connection(1)
    await eventually(() => lobby.events.at(-1)).toEqual(['state', 'joined'])
    room.store('after')
    await eventually(() => lobby.data).toEqual(['heard', 'after'])
    const gaps = lobby.events.filter(([name]) => name === 'gap')
    expect(gaps).toEqual([['gap', { reason: 'epoch', from, to: expect.any(Number) }]])
    second.cut()
    const third = await gateway.connection(2)
    expect((await third.next('join')).since).toMatchObject({ epoch: 'e2', offset: room.position.offset })
  })

  test('gets the last messages instead, where it asks for such', async ({ stage }) => {
    const { gateway, stored: room, lobby, first } = await stored(stage, {}, { history: 2 })
    room.store('heard')
    await eventually(() => lobby.data).toEqual(['heard'])
    room.epoch = 'e2'
    first.cut()
    for (const data of ['lost', 'last but one', 'last']) room.store(data)
    await eventually(() => lobby.data).toEqual(['heard', 'last but one', 'last'])
    expect(lobby.events.filter(([name]) => name === 'gap' || name === 'fault').length).toBe(1)
    await eventually(() => lobby.room.state).toBe('joined')
    ;(await gateway.connection(1)).cut()
    const since = { epoch: 'e2', offset: room.position.offset }
    expect((await (await gateway.connection(2)).next('join')).since).toMatchObject(since)
  })

  test.for([
    ['says nothing of a gap', { recovered: false, epoch: 'e2', offset: 50 }, 'unknown'],
    ['contradicts itself', { recovered: true, epoch: 'e2', offset: 50 }, 'unknown'],
    ['has no history any more', {}, 'not_enabled'],
  ] as const)('tells the gap also where the gateway %s', async ([, fields, reason], { stage }) => {
    const { gateway, lobby, first } = await stored(stage)
    gateway.play('join', (frame, connection) => connection.ok(frame, fields))
    first.cut()
    await eventually(() => lobby.events.filter(([name]) => name === 'gap')).toEqual([
      ['gap', { reason, from: 0, to: 'offset' in fields ? 50 : undefined }],
    ])
    await eventually(() => lobby.room.state).toBe('joined')
  })

  test.for(['not_enabled', 'unsupported', 'bad_request'])(
    'tells the gap and joins anew where since is %s',
    async (code, { stage }) => {
      const { gateway, lobby, first } = await stored(stage)
      gateway.play('join', (frame, connection) => {
        if (frame.since === undefined) connection.ok(frame)
        else connection.refuse(frame, code)
      })
      first.cut()
      await eventually(() => lobby.events.slice(-3)).toEqual([
        ['state', 'joining'],
        ['gap', { reason: code, from: 0, to: undefined }],
        ['state', 'joined'],
      ])
    },
  )

  test('is not asked for what the gateway does not offer', async ({ stage }) => {
    const { gateway, lobby, first } = await stored(stage, {}, { history: 5, presence: true })
    gateway.welcome = () => ({ features: [] })
    gateway.play('join', (frame, connection) => connection.ok(frame))
    first.cut()
    const join = await (await gateway.connection(1)).next('join')
    expect(join).toEqual({ type: 'join', id: join.id, room: ROOM })
    await eventually(() => lobby.events.find(([name]) => name === 'gap')?.[1]).toMatchObject({ reason: 'unsupported' })
  })
})

describe('the chain', () => {
  test('that the server breaks is reported and repaired: nothing is missing, nothing doubled', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    room.store(1)
    await eventually(() => lobby.data).toEqual([1])
    room.store(2, undefined, first)
    room.store(3)
    await eventually(() => lobby.data).toEqual([1, 2, 3])
    const [one, two, three] = room.messages
    expect(lobby.events).toContainEqual([
      'fault',
      { kind: 'broken', room: ROOM, held: one?.offset, offset: three?.offset, prev: two?.offset },
    ])
    await eventually(() => lobby.events.map(([name]) => name)).toEqual(['state', 'fault', 'recovered'])
    room.store(4)
    await eventually(() => lobby.data).toEqual([1, 2, 3, 4])
  })

  test('that is broken again at once is told as a gap, and never loops', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    for (const data of [1, 2, 3]) {
      room.store(`left out ${data}`, undefined, first)
      room.store(data)
      await eventually(() => lobby.data).toContain(data)
    }
    expect(lobby.data).toEqual(['left out 1', 1, 2, 3])
    expect(lobby.events.filter(([name]) => name === 'gap').map(([, gap]) => gap)).toEqual([
      { reason: 'lost', from: room.messages[1]?.offset, to: room.messages[2]?.offset },
      { reason: 'lost', from: room.messages[3]?.offset, to: room.messages[4]?.offset },
    ])
    expect(first.of('join').length).toBe(2)
  })

  test.for([
    ['what it recovers', false],
    ['the last messages that were asked for', true],
  ] as const)('that is broken within %s is reported and repaired all the same', async ([, atFirst], { stage }) => {
    const gateway = stage.use(await ScriptedGateway.start())
    const room = new StoredRoom(ROOM).on(gateway)
    const { sluice } = library(stage, gateway.url)
    for (const data of ['before', 'seen']) room.store(data)
    let joins = 0
    gateway.play('join', (frame, connection) => {
      joins++
      if (joins !== (atFirst ? 1 : 2)) return room.join(frame, connection)
      const [, second, third, fourth] = room.messages
      for (const stored of atFirst ? [second, fourth] : [fourth]) connection.send(room.frame(stored!))
      connection.ok(frame, { ...room.position, ...(atFirst ? {} : { recovered: true }) })
      expect(third).toBeDefined()
    })
    if (atFirst) for (const data of ['left out', 'last']) room.store(data)
    const lobby = record(sluice.room(ROOM, { history: atFirst ? 3 : 1 }))
    await eventually(() => lobby.data.length).toBeGreaterThan(0)
    if (!atFirst) {
      gateway.connections[0]?.cut()
      for (const data of ['left out', 'last']) room.store(data)
    }
    await eventually(() => lobby.data).toEqual(['seen', 'left out', 'last'])
    expect(lobby.events.filter(([name]) => name === 'fault').length).toBe(1)
    expect(lobby.events.filter(([name]) => name === 'gap')).toEqual([])
    room.store('live')
    await eventually(() => lobby.data.at(-1)).toBe('live')
  })

  test('of a history that has gone back is reported, and joined anew', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    room.store(1)
    await eventually(() => lobby.data).toEqual([1])
    const [one] = room.messages
    room.epoch = 'e2'
    first.send(room.frame({ ...one!, time: one!.time + 1000, data: 'another' }))
    await eventually(() => lobby.events.map(([name]) => name)).toEqual(['state', 'fault', 'gap'])
    expect(lobby.events[1]?.[1]).toMatchObject({ kind: 'rollback', held: one?.offset, offset: one?.offset })
    expect(lobby.data).toEqual([1])
  })

  test('is not broken by what was withheld or not echoed, nor by doubles', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    await lobby.room.publish('mine', { echo: false })
    const withheld = room.store('withheld', undefined, first)
    first.send({ type: 'message', room: ROOM, offset: withheld.offset, prev: withheld.prev, withheld: true })
    const seen = room.store('seen')
    first.send(room.frame(seen))
    room.store('next')
    await eventually(() => lobby.data).toEqual(['seen', 'next'])
    expect(lobby.events).toEqual([['state', 'joined']])
  })

  test('holds whatever is cut, whenever it is cut', async ({ stage }) => {
    const { gateway, stored: room, lobby } = await stored(stage, { backoff: { minMs: 5, maxMs: 10, stableMs: 0 } })
    for (let n = 0; n < 200; n++) {
      room.store(n)
      if (n % 7 === 3) gateway.connections.at(-1)?.cut()
      if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await eventually(() => lobby.data.length).toBe(200)
    expect(lobby.data).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(lobby.events.filter(([name]) => name === 'gap' || name === 'fault')).toEqual([])
    expect(gateway.connections.length).toBeGreaterThan(3)
  })
})

describe('a room that a server adds', () => {
  test('is told, and joined again with its position after a reconnect', async ({ stage }) => {
    const { gateway, sluice, first } = await stored(stage)
    const added: unknown[] = []
    sluice.on('added', ({ name, state }) => added.push([name, state]))
    first.send({ type: 'added', room: 'chat:staff', epoch: 's1', offset: 40 })
    first.send({ type: 'message', room: 'chat:staff', data: 1, offset: 44, prev: 40, time: 44 })
    await eventually(() => added).toEqual([['chat:staff', 'joined']])
    first.cut()
    const second = await gateway.connection(1)
    await second.next('join', 2)
    expect(second.of('join').find(({ room }) => room === 'chat:staff')?.since).toEqual({
      epoch: 's1',
      offset: 44,
      time: 44,
    })
  })

  test('again while its join is under way loses nothing of what comes early', async ({ stage }) => {
    const { gateway, lobby, stored: room, first } = await stored(stage)
    room.store('seen')
    await eventually(() => lobby.data).toEqual(['seen'])
    first.cut()
    const missed = room.store('missed')
    gateway.play('join', (frame, connection) => {
      const early = room.store('early')
      connection.send({ type: 'added', room: ROOM, ...room.position }, room.frame(early), room.frame(missed))
      connection.ok(frame, { ...room.position, recovered: true })
    })
    await eventually(() => lobby.data).toEqual(['seen', 'missed', 'early'])
    expect(lobby.events.filter(([name]) => name === 'fault' || name === 'gap')).toEqual([])
  })

  test('and removes is never joined again', async ({ stage }) => {
    const { gateway, sluice, lobby, first } = await stored(stage)
    first.send({ type: 'removed', room: ROOM, code: 'forbidden', reason: 'the right has ended' })
    await eventually(() => lobby.events.slice(-2)).toEqual([
      ['state', 'removed'],
      ['removed', { code: 'forbidden', reason: 'the right has ended' }],
    ])
    first.cut()
    const second = await gateway.connection(1)
    await sluice.send('ann', 1)
    expect(second.of('join')).toEqual([])
    await expect(lobby.room.ready()).rejects.toMatchObject({ code: 'closed' })
  })
})

describe('reading too slowly, where the gateway drops', () => {
  const slow = { type: 'gap', room: ROOM, reason: 'slow' }

  test('brings what was left out and is still kept, in order, by joining anew', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    room.store('heard')
    await eventually(() => lobby.data).toEqual(['heard'])
    const from = room.position.offset
    for (const data of ['left out 1', 'left out 2']) room.store(data, undefined, first)
    first.send({ ...slow, missed: 2, from, to: room.position.offset, epoch: 'e1', offset: room.position.offset })
    room.store('after')
    await eventually(() => lobby.data).toEqual(['heard', 'left out 1', 'left out 2', 'after'])
    await eventually(() => lobby.events.map(([name]) => name)).toEqual(['state', 'recovered'])
    expect(first.of('join')[1]?.since).toMatchObject({ offset: from })
  })

  test('tells the gap where that is no longer kept', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    const from = room.position.offset
    room.store('left out', undefined, first)
    room.first = Number.POSITIVE_INFINITY
    first.send({ ...slow, missed: 1, from, to: room.position.offset, epoch: 'e1', offset: room.position.offset })
    await eventually(() => lobby.events.filter(([name]) => name === 'gap')).toHaveLength(1)
    room.store('after')
    await eventually(() => lobby.data).toEqual(['after'])
  })

  test('again at once is told as a gap with its count, and never loops', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    for (const data of [1, 2]) {
      const from = room.position.offset
      room.store(`left out ${data}`, undefined, first)
      const to = room.position.offset
      first.send({ ...slow, missed: 1, from, to, epoch: 'e1', offset: to })
      room.store(data)
      await eventually(() => lobby.data).toContain(data)
    }
    expect(lobby.data).toEqual(['left out 1', 1, 2])
    const [, , third] = room.messages
    expect(lobby.events.filter(([name]) => name === 'gap' || name === 'fault')).toEqual([
      ['gap', { reason: 'slow', from: room.messages[1]?.offset, to: third?.offset, missed: 1 }],
    ])
    expect(first.of('join').length).toBe(2)
  })

  test('tells how many ephemeral messages were left out, and moves nothing', async ({ stage }) => {
    const { stored: room, lobby, first } = await stored(stage)
    room.store(1)
    first.send({ ...slow, missed: 200 })
    room.store(2)
    await eventually(() => lobby.data).toEqual([1, 2])
    expect(lobby.events.filter(([name]) => name !== 'state')).toEqual([
      ['gap', { reason: 'slow', from: undefined, to: undefined, missed: 200 }],
    ])
    expect(first.of('join').length).toBe(1)
  })
})
