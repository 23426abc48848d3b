import { describe, expect } from 'vitest'
import { library, record } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { connect, SluiceError } from './connect.ts'

async function scripted(stage: Stage) {
  const gateway = stage.use(await ScriptedGateway.start())
  return { gateway, ...library(stage, gateway.url) }
}

describe('a room', () => {
  test('is one, however its name is written and however often it is asked for', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const room = sluice.room('default:lobby')
    expect(sluice.room('lobby')).toBe(room)
    expect(room.name).toBe('lobby')
    await room.ready()
    expect((await gateway.connection(0)).of('join').map(({ room: name }) => name)).toEqual(['lobby'])
    for (const bad of ['', ':x', 'x:', 'a:*', 'x'.repeat(129)]) expect(() => sluice.room(bad)).toThrow(SluiceError)
  })

  test('that is left is joined anew by the next call, after what was before it', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const told = record(sluice.room('hall'))
    await told.room.ready()
    const first = await gateway.connection(0)
    const leaving: (() => void)[] = []
    gateway.play('leave', (frame, connection) => leaving.push(() => connection.ok(frame)))
    const left = told.room.leave()
    const again = record(sluice.room('hall'))
    await first.next('leave')
    first.send({ type: 'message', room: 'hall', data: 'of before' })
    await sluice.send('ben', 'settled')
    expect(first.of('join').length).toBe(1)
    gateway.play('leave', (frame, connection) => connection.ok(frame))
    leaving[0]?.()
    await left
    await first.next('join', 2)
    first.send({ type: 'message', room: 'hall', data: 'of now' })
    await eventually(() => again.data).toEqual(['of now'])
    await again.room.leave()
    expect(again.room.state).toBe('left')
  })

  test('that is left and not asked for again is forgotten', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const room = sluice.room('hall')
    await room.ready()
    await room.leave()
    expect(sluice.room('hall')).not.toBe(room)
    await sluice.room('hall').ready()
    expect((await gateway.connection(0)).of('join').length).toBe(2)
  })

  test('that is refused says why, and is tried again with the next connection', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', (frame, connection) => connection.refuse(frame, 'forbidden'))
    const told = record(sluice.room('private:board'))
    await expect(told.room.ready()).rejects.toMatchObject({ code: 'forbidden' })
    expect(told.room.state).toBe('refused')
    expect(told.events.map(([name]) => name)).toEqual(['state', 'refused'])
    gateway.play('join', (frame, connection) => connection.ok(frame))
    ;(await gateway.connection(0)).cut()
    await eventually(() => told.room.state).toBe('joined')
  })

  test.for(['unavailable', 'timeout', 'rate_limited', 'internal'])(
    'that is refused with %s is tried again soon',
    async (code, { stage }) => {
      const { gateway, sluice } = await scripted(stage)
      let asked = 0
      gateway.play('join', (frame, connection) => {
        asked++
        if (asked < 3) connection.refuse(frame, code, { retryAfterMs: 5 })
        else connection.ok(frame)
      })
      await sluice.room('hall').ready()
      expect(asked).toBe(3)
      expect(gateway.connections.length).toBe(1)
    },
  )

  test('whose join takes for ever does not keep what waits to be sent', async ({ stage }) => {
    const gateway = stage.use(await ScriptedGateway.start())
    const { sluice } = library(stage, gateway.url, { timeoutMs: 100 })
    gateway.play('join', () => undefined)
    const slow = sluice.room('slow')
    const askedAtMs = performance.now()
    await sluice.send('ben', 1)
    expect(performance.now() - askedAtMs).toBeLessThan(800)
    expect(slow.state).toBe('joining')
  })

  test('whose join ends by a removal keeps nobody', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', ({ room }, connection) => {
      connection.send({ type: 'removed', room, code: 'forbidden', reason: '' })
    })
    const removed = sluice.room('board')
    const askedAtMs = performance.now()
    await sluice.send('ben', 1)
    expect(performance.now() - askedAtMs).toBeLessThan(5000)
    expect(removed.state).toBe('removed')
  })

  test('that was refused and is given by a server is joined as it was asked for', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', (frame, connection) => connection.refuse(frame, 'forbidden'))
    const told = record(sluice.room('board', { presence: true, history: 2 }))
    await eventually(() => told.room.state).toBe('refused')
    gateway.play('join', (frame, connection) => connection.ok(frame, { epoch: 'e', offset: 8 }))
    gateway.connections[0]?.send({ type: 'added', room: 'board', epoch: 'e', offset: 7 })
    await eventually(() => told.room.state).toBe('joined')
    const joins = gateway.connections[0]?.of('join') ?? []
    expect(joins.at(-1)).toMatchObject({ room: 'board', presence: true, history: 2 })
    expect(joins.length).toBe(2)
    gateway.connections[0]?.send({ type: 'message', room: 'board', data: 'hello', offset: 9, prev: 8 })
    await eventually(() => told.data).toEqual(['hello'])
  })

  test('that a listener leaves in the middle of what it recovers delivers nothing more', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const message = (offset: number): object => ({
      type: 'message',
      room: 'hall',
      data: offset,
      offset,
      prev: offset - 1,
    })
    gateway.play('join', (frame, connection) => {
      connection.send(message(1), message(2), message(3))
      connection.ok(frame, { epoch: 'e', offset: 3 })
    })
    const told = record(sluice.room('hall', { history: 3 }))
    told.room.on('message', ({ data }) => data === 2 && told.room.leave())
    await eventually(() => told.room.state).toBe('left')
    await sluice.send('ben', 'settled')
    expect(told.data).toEqual([1, 2])
    expect(told.events).toEqual([['state', 'left']])
  })

  test('whose listener closes the client in the middle stays closed', async ({ stage }) => {
    const { gateway, sluice, states } = await scripted(stage)
    gateway.play('join', (frame, connection) => connection.ok(frame, { epoch: 'e', offset: 3, members: [], count: 0 }))
    const told = record(sluice.room('hall', { presence: true }))
    told.room.on('members', () => sluice.close())
    await eventually(() => states.at(-1)?.name).toBe('closed')
    await eventually(() => gateway.connections[0]?.closed).toBe(1000)
    expect(told.room.state).toBe('left')
  })

  test('can be waited for within a time, or until a signal', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.welcome = null
    const room = sluice.room('hall')
    await expect(room.ready({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'timeout' })
    await expect(room.ready({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: 'TimeoutError' })
    await expect(room.ready({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('hands its messages to loops, that end with it', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const room = sluice.room('hall')
    const heard: unknown[] = []
    const loop = (async () => {
      for await (const { data } of room.messages()) heard.push(data)
    })()
    await room.ready()
    ;(await gateway.connection(0)).send(
      { type: 'message', room: 'hall', data: 1 },
      { type: 'message', room: 'hall', data: 2 },
    )
    await eventually(() => heard).toEqual([1, 2])
    await room.leave()
    await loop
    for await (const _ of room.messages()) expect.fail('it was left')
  })

  test('ends its loops with an error when the client is stopped by the gateway, and without one by close', async ({
    stage,
  }) => {
    const { gateway, sluice } = await scripted(stage)
    const next = sluice.room('hall').messages().next()
    ;(await gateway.connection(0)).close(4003, 'no')
    await expect(next).rejects.toMatchObject({ code: 'closed', message: 'no' })
    const second = library(stage, gateway.url)
    const other = second.sluice.room('hall').messages().next()
    second.sluice.close()
    expect(await other).toEqual({ done: true, value: undefined })
  })
})

describe('presence', () => {
  const ann = { user: 'ann', connections: 1 }
  const ben = { user: 'ben', connections: 1 }

  test('is the view of the join, patched and replaced, and told as it changes', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', (frame, connection) => connection.ok(frame, { members: [ann], count: 1 }))
    const told = record(sluice.room('hall', { presence: true }))
    const counts: number[] = []
    told.room.on('members', ({ count }) => counts.push(count))
    await told.room.ready()
    expect(told.room.members).toEqual([ann])
    const first = await gateway.connection(0)
    first.send({ type: 'joined', room: 'hall', member: ben }, { type: 'left', room: 'hall', member: ann })
    await eventually(() => told.room.members).toEqual([ben])
    first.send({ type: 'members', room: 'hall', members: [ann], count: 7000 })
    await eventually(() => told.room.count).toBe(7000)
    expect(counts).toEqual([1, 2, 1, 7000])
    expect(told.events.slice(1)).toEqual([
      ['joined', ben],
      ['left', ann],
    ])
    expect(first.of('join')[0]).toMatchObject({ presence: true })
  })

  test('is asked for later by a room that was joined without', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const room = sluice.room('hall')
    await room.ready()
    gateway.play('join', (frame, connection) => connection.ok(frame, { members: [ann], count: 1 }))
    expect(sluice.room('hall', { presence: true })).toBe(room)
    await eventually(() => room.members).toEqual([ann])
    expect((await gateway.connection(0)).frames.map(({ type }) => type)).toEqual(['join', 'leave', 'join'])
  })

  test('can be asked for without being watched', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('presence', (frame, connection) => connection.ok(frame, { members: [ben], count: 3 }))
    expect(await sluice.room('hall').presence()).toEqual({ members: [ben], count: 3 })
  })
})

describe('the inbox', () => {
  test('is joined by the user’s own name, and recovers like a room', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', (frame, connection) =>
      connection.ok(frame, { epoch: 'i', offset: 5, recovered: frame.since !== undefined }),
    )
    const inbox = sluice.inbox({ history: 3 })
    const heard: unknown[] = []
    inbox.on('message', ({ data, room }) => heard.push([data, room]))
    await inbox.ready()
    const first = await gateway.connection(0)
    first.send({ type: 'message', user: 'ann', data: 'hi', offset: 7, prev: 5, time: 7 })
    await eventually(() => heard).toEqual([['hi', undefined]])
    first.cut()
    const second = await gateway.connection(1)
    expect(await second.next('join')).toMatchObject({
      user: 'ann',
      history: 3,
      since: { epoch: 'i', offset: 7, time: 7 },
    })
    expect(first.of('join')).toMatchObject([{ user: 'ann', history: 3 }])
    gateway.play('history', (frame, connection) => connection.ok(frame, { messages: [], more: false }))
    await inbox.history({ after: 7 })
    expect(second.of('history')).toMatchObject([{ user: 'ann', after: 7, limit: 100 }])
  })

  test('of another user has another position', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('join', (frame, connection) => connection.ok(frame, { epoch: 'i', offset: 5 }))
    await sluice.inbox().ready()
    gateway.welcome = () => ({ user: 'ben' })
    ;(await gateway.connection(0)).cut()
    const join = await (await gateway.connection(1)).next('join')
    expect(join).toEqual({ type: 'join', id: join.id, user: 'ben' })
  })

  test.for([
    ['has no history', ['history'], 'not_enabled'],
    ['belongs to an older gateway', [], 'unsupported'],
  ] as const)('that %s is heard all the same', async ([, features, code], { stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.welcome = () => ({ features })
    gateway.play('join', (frame, connection) => connection.refuse(frame, code))
    const inbox = sluice.inbox({ history: 3 })
    const heard: unknown[] = []
    inbox.on('message', ({ data }) => heard.push(data))
    await inbox.ready()
    ;(await gateway.connection(0)).send({ type: 'message', user: 'ann', data: 1 })
    await eventually(() => heard).toEqual([1])
    expect(gateway.connections[0]?.of('join').length).toBe(features.length)
  })
})

describe('faults', () => {
  test('of listeners are told as errors, and harm nobody', async ({ stage }) => {
    const { gateway, sluice, errors } = await scripted(stage)
    const room = sluice.room('hall')
    room.on('message', () => {
      throw new Error('mine')
    })
    const told = record(room)
    sluice.on('error', () => {
      throw new Error('in the listener of errors')
    })
    await room.ready()
    ;(await gateway.connection(0)).send(
      { type: 'message', room: 'hall', data: 1 },
      { type: 'message', room: 'hall', data: 2 },
    )
    await eventually(() => told.data).toEqual([1, 2])
    expect(errors.map(String)).toEqual(['Error: mine', 'Error: mine'])
  })

  test('that answer no request are told as well', async ({ stage }) => {
    const { gateway, errors } = await scripted(stage)
    ;(await gateway.connection(0)).send({ type: 'error', code: 'bad_request', message: 'a frame is one JSON object' })
    await eventually(() => errors).toMatchObject([{ code: 'bad_request' }])
  })

  test('of a newer gateway are ignored: unknown frames and fields, and what is no frame', async ({ stage }) => {
    const { gateway, sluice, errors } = await scripted(stage)
    const told = record(sluice.room('hall'))
    await told.room.ready()
    const first = await gateway.connection(0)
    first.socket.send('[1]')
    first.socket.send('no JSON')
    first.socket.send(Buffer.from([1, 2, 3]))
    const odd = [
      { type: 'later', room: 'hall' },
      { type: 7 },
      {},
      { type: 'ok', id: 99 },
      { type: 'error', id: 99, code: 'x' },
    ]
    const gaps = [
      { type: 'gap', room: 'hall', reason: 'lost' },
      { type: 'added' },
      { type: 'removed', room: 'elsewhere' },
    ]
    first.send(...odd, ...gaps, { type: 'message', room: 'hall', data: 1, later: true, offset: 'odd', time: -1 })
    await eventually(() => told.messages).toMatchObject([{ data: 1, offset: undefined, time: undefined }])
    expect(errors).toEqual([])
    expect(gateway.connections.length).toBe(1)
  })
})

test('a listener that is removed hears nothing more, and sends to a session go there', async ({ stage }) => {
  const { gateway, sluice } = await scripted(stage)
  const room = sluice.room('hall')
  const heard: unknown[] = []
  const remove = room.on('message', ({ data }) => heard.push(data))
  await room.ready()
  const first = await gateway.connection(0)
  first.send({ type: 'message', room: 'hall', data: 1 })
  await eventually(() => heard).toEqual([1])
  remove()
  first.send({ type: 'message', room: 'hall', data: 2 })
  await sluice.send({ session: 'gw1.7' }, 'hi', { event: 'poke', key: 'k', ephemeral: true })
  await sluice.send({ user: 'ben' }, 'hi')
  expect(heard).toEqual([1])
  expect(first.of('send')).toMatchObject([
    { session: 'gw1.7', event: 'poke', key: 'k', ephemeral: true, data: 'hi' },
    { user: 'ben', data: 'hi' },
  ])
  expect(connect).toBeTypeOf('function')
})
