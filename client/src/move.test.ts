import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import { library, record } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { StoredRoom } from '../../test/harness/stored-room.ts'

const ROOM = 'chat:lobby'
const MOVE = { type: 'move', afterMs: 100, reason: 'drain' }

/** Two gateways that know one room; new sockets go to the second once the first is told to drain. */
async function cluster(stage: Stage) {
  const [one, two] = [stage.use(await ScriptedGateway.start()), stage.use(await ScriptedGateway.start())]
  const room = new StoredRoom(ROOM).on(one).on(two)
  const address = { now: one.url }
  let asked = 0
  const told = library(stage, () => address.now, { token: () => `t${++asked}` })
  const lobby = record(told.sluice.room(ROOM, { presence: true }))
  const hall = record(told.sluice.room('hall'))
  const inbox = told.sluice.inbox()
  const direct: unknown[] = []
  inbox.on('message', ({ data }) => direct.push(data))
  await Promise.all([lobby.room.ready(), hall.room.ready(), inbox.ready()])
  const old = await one.connection(0)
  const drain = (afterMs = MOVE.afterMs): void => {
    address.now = two.url
    old.send({ ...MOVE, afterMs })
  }
  return { ...told, one, two, room, lobby, hall, direct, old, drain }
}

describe('a client that is asked to move', () => {
  test('is joined on the new socket before the old one closes, and misses and doubles nothing', async ({ stage }) => {
    const { sluice, states, two, room, lobby, old, drain } = await cluster(stage)
    let stored = 0
    const traffic = setInterval(() => room.store(stored++), 2)
    stage.use({ [Symbol.asyncDispose]: async () => clearInterval(traffic) })
    await eventually(() => lobby.data.length).toBeGreaterThan(5)
    drain()
    const fresh = await two.connection(0)
    expect(old.closed).toBeNull()
    const join = (await fresh.next('join', 3)) && fresh.of('join').find(({ room: name }) => name === ROOM)
    expect(join?.since).toMatchObject({ epoch: 'e1' })
    expect(old.closed).toBeNull()
    await eventually(() => old.closed).not.toBeNull()
    clearInterval(traffic)
    await eventually(() => lobby.data.length).toBe(stored)
    expect(lobby.data).toEqual(Array.from({ length: stored }, (_, n) => n))
    expect(lobby.events.filter(([name]) => name === 'gap' || name === 'fault')).toEqual([])
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'open', 'open'])
    expect(sluice.state).toMatchObject({ name: 'open', session: fresh.session })
    expect(lobby.room.state).toBe('joined')
  })

  test('uses the old socket until the last room is joined on the new one', async ({ stage }) => {
    const { sluice, two, room, lobby, old, drain } = await cluster(stage)
    const held: (() => void)[] = []
    two.play('join', (frame, connection) => {
      if (frame.room === 'hall') held.push(() => connection.ok(frame))
      else room.join(frame, connection)
    })
    drain()
    const fresh = await two.connection(0)
    await fresh.next('join', 3)
    await pause(1000)
    room.store('on both')
    await sluice.send('ben', 1)
    expect([old.of('send').length, fresh.of('send').length, old.closed]).toEqual([1, 0, null])
    await eventually(() => lobby.data).toEqual(['on both'])
    held[0]?.()
    await eventually(() => old.closed).toBe(4010)
    await sluice.send('ben', 2)
    expect(fresh.of('send').length).toBe(1)
  })

  test('hears presence of the old socket again when the new one dies before it is used', async ({ stage }) => {
    const { two, room, lobby, old, drain } = await cluster(stage)
    const ben = { user: 'ben', connections: 1 }
    two.play('join', (frame, connection) => frame.room === ROOM && room.join(frame, connection))
    drain()
    const fresh = await two.connection(0)
    await fresh.next('join', 3)
    two.welcome = null
    fresh.cut()
    await two.connection(1)
    old.send({ type: 'joined', room: ROOM, member: ben })
    await eventually(() => lobby.room.members).toEqual([ben])
  })

  test('closes the old socket with a code that says that nobody has left', async ({ stage }) => {
    const { old, drain } = await cluster(stage)
    drain()
    await eventually(() => old.closed).toBe(4010)
  })

  test('delivers ephemeral messages that both sockets bring once, and what one brings as well', async ({ stage }) => {
    const { two, hall, direct, old, drain } = await cluster(stage)
    drain()
    const fresh = await two.connection(0)
    await fresh.next('join', 3)
    const both = { type: 'message', room: 'hall', data: 'both' }
    for (const connection of [old, fresh]) connection.send(both, { type: 'message', user: 'ann', data: 'both' })
    old.send({ ...both, data: 'old' })
    fresh.send({ ...both, data: 'new' })
    await eventually(() => hall.data.toSorted()).toEqual(['both', 'new', 'old'])
    await eventually(() => direct).toEqual(['both'])
    await eventually(() => old.closed).toBe(4010)
    fresh.send(both)
    await eventually(() => hall.data.filter((data) => data === 'both').length).toBe(2)
  })

  test('sends what it asks on the new socket, and still hears the answers of the old one', async ({ stage }) => {
    const { sluice, one, two, old, drain } = await cluster(stage)
    one.play('call', (frame, connection) => void setTimeout(() => connection.ok(frame, { data: 'slow' }), 700))
    two.play('call', (frame, connection) => connection.ok(frame, { data: 'quick' }))
    const slow = sluice.call('slow', null)
    await old.next('call')
    drain()
    const { session } = await two.connection(0)
    await eventually(() => sluice.state).toMatchObject({ name: 'open', session })
    expect(await sluice.call('quick', null)).toBe('quick')
    expect(await slow).toBe('slow')
    await eventually(() => old.closed).toBe(4010)
  })

  test('takes presence from the new socket once it is joined there', async ({ stage }) => {
    const { two, lobby, old, drain } = await cluster(stage)
    const ben = { user: 'ben', connections: 1 }
    two.play('join', (frame, connection) =>
      connection.ok(frame, frame.room === ROOM ? { members: [ben], count: 1 } : {}),
    )
    drain()
    await eventually(() => lobby.room.members).toEqual([ben])
    old.send({ type: 'left', room: ROOM, member: ben })
    await eventually(() => old.closed).toBe(4010)
    expect(lobby.room.members).toEqual([ben])
    two.connections[0]?.send({ type: 'left', room: ROOM, member: ben })
    await eventually(() => lobby.room.members).toEqual([])
  })
})

describe('a move that fails', () => {
  test('is tried again, with another token where that was refused, while the old socket works', async ({ stage }) => {
    const { states, two, hall, old, drain } = await cluster(stage)
    two.welcome = (connection) => {
      if (two.connections.length > 2) return {}
      queueMicrotask(() => connection.close(two.connections.length === 1 ? 1013 : 4001))
      return null
    }
    drain()
    const third = await two.connection(2)
    expect(two.connections.map(({ token }) => token)).toEqual(['t1', 't1', 't2'])
    expect(old.closed).toBeNull()
    expect(states.map(({ name }) => name)).not.toContain('waiting')
    await eventually(() => old.closed).toBe(4010)
    third.send({ type: 'message', room: 'hall', data: 1 })
    await eventually(() => hall.data).toEqual([1])
  })

  test('as the old socket closes too early becomes an ordinary reconnect, that recovers', async ({ stage }) => {
    const { states, two, room, lobby, old, drain } = await cluster(stage)
    two.welcome = null
    drain()
    const fresh = await two.connection(0)
    old.close(1012)
    room.store('missed')
    await eventually(() => states.at(-1)?.name).toBe('connecting')
    fresh.send({ type: 'welcome', session: 'late.1', user: 'ann', features: ['history'] })
    await eventually(() => lobby.data).toEqual(['missed'])
    expect(two.connections.length).toBe(1)
    expect(states.at(-1)).toMatchObject({ name: 'open', session: 'late.1' })
  })

  test('as the old socket closes while the new one joins is finished there', async ({ stage }) => {
    const { sluice, states, two, room, lobby, old, drain } = await cluster(stage)
    const held: (() => void)[] = []
    two.play('join', (frame, connection) => {
      held.push(() => room.join(frame, connection))
    })
    drain()
    const fresh = await two.connection(0)
    await fresh.next('join', 3)
    old.close(1012)
    await eventually(() => states.at(-1)).toMatchObject({ name: 'open', session: fresh.session })
    room.store('missed')
    const published = lobby.room.publish('queued meanwhile')
    for (const answer of held) answer()
    expect(await published).toMatchObject({ duplicate: false })
    await eventually(() => lobby.data).toEqual(['missed', 'queued meanwhile'])
    expect(sluice.state.name).toBe('open')
    expect(states.map(({ name }) => name)).not.toContain('waiting')
  })
})

test('a move without time is left to the close that comes with it, whose back-off spreads clients', async ({
  stage,
}) => {
  const { states, two, old, drain } = await cluster(stage)
  drain(0)
  old.close(1012, 'service restart')
  await two.connection(0)
  await eventually(() => states.map(({ name }) => name)).toEqual([
    'connecting',
    'open',
    'waiting',
    'connecting',
    'open',
  ])
})

test('a second move comes while the first one is not over: only the newest socket is left', async ({ stage }) => {
  const { one, two, lobby, room, drain } = await cluster(stage)
  drain()
  const fresh = await two.connection(0)
  await fresh.next('join', 3)
  await eventually(() => {
    fresh.send({ ...MOVE, afterMs: 2 })
    return two.connections.length
  }).toBe(2)
  await eventually(() => [one.connections[0]?.closed, fresh.closed, two.connections[1]?.closed]).toEqual([
    4010,
    4010,
    null,
  ])
  room.store('heard')
  await eventually(() => lobby.data).toEqual(['heard'])
})
