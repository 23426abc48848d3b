import { describe, expect } from 'vitest'
import { library, record } from '../../test/harness/client-library.ts'
import { eventually } from '../../test/harness/eventually.ts'
import { ScriptedGateway } from '../../test/harness/scripted-gateway.ts'
import { type Stage, test } from '../../test/harness/stage.ts'
import { StoredRoom } from '../../test/harness/stored-room.ts'
import type { ConnectOptions } from './options.ts'

const ROOM = 'chat:lobby'

async function scripted(stage: Stage, options: ConnectOptions = {}) {
  const gateway = stage.use(await ScriptedGateway.start())
  const stored = new StoredRoom(ROOM)
  const told = library(stage, gateway.url, options)
  return { gateway, stored, ...told }
}

/** Resolves when the client is open and its rooms are joined. */
async function opened({ gateway, stored, sluice }: Awaited<ReturnType<typeof scripted>>) {
  stored.on(gateway)
  const room = sluice.room(ROOM)
  await room.ready()
  return { room, first: await gateway.connection(0) }
}

describe('a publish', () => {
  test('before the first connection waits for it, in order', async ({ stage }) => {
    const { gateway, stored, sluice } = await scripted(stage)
    stored.on(gateway)
    const lobby = record(sluice.room(ROOM))
    const receipts = await Promise.all([1, 2, 3].map((data) => lobby.room.publish(data)))
    expect(receipts.map(({ offset }) => offset)).toEqual(stored.messages.map(({ offset }) => offset))
    await eventually(() => lobby.data).toEqual([1, 2, 3])
  })

  test('into a history whose answer was lost is repeated with its key, and stored once', async ({ stage }) => {
    const told = await scripted(stage)
    const { room, first } = await opened(told)
    const lobby = record(room)
    told.gateway.play('publish', ({ data, key }, connection) => {
      told.stored.store(data, key as string)
      connection.cut()
      told.stored.on(told.gateway)
    })
    expect(await room.publish('once')).toEqual({ offset: told.stored.messages[0]?.offset, duplicate: true })
    expect(told.stored.messages.map(({ data }) => data)).toEqual(['once'])
    const key = first.of('publish')[0]?.key
    expect(key).toMatch(/^[\w-]{22}$/)
    expect(told.gateway.connections[1]?.of('publish')[0]?.key).toBe(key)
    await eventually(() => lobby.data).toEqual(['once'])
  })

  test('elsewhere, or live only, whose answer was lost rejects, and is not repeated', async ({ stage }) => {
    const told = await scripted(stage)
    const { room, first } = await opened(told)
    const hall = told.sluice.room('hall')
    await hall.ready()
    told.gateway.play('publish', () => undefined)
    const lost = [hall.publish(1), hall.publish(2, { key: 'mine' }), room.publish(3, { ephemeral: true })]
    await first.next('publish', 3)
    first.cut()
    for (const publish of lost) await expect(publish).rejects.toMatchObject({ code: 'lost' })
    const second = await told.gateway.connection(1)
    told.gateway.play('publish', (frame, connection) => connection.ok(frame))
    await room.publish('next')
    expect(second.of('publish').map(({ data }) => data)).toEqual(['next'])
    expect(first.of('publish').map(({ key }) => key)).toEqual([undefined, 'mine', undefined])
  })

  test('that waits keeps its order behind those that are repeated', async ({ stage }) => {
    const told = await scripted(stage)
    told.gateway.welcome = () => ({ limits: { requestsInFlightMax: 2 } })
    const { room, first } = await opened(told)
    told.gateway.play('publish', () => undefined)
    const published = [1, 2, 3, 4].map((data) => room.publish(data))
    await first.next('publish', 2)
    told.stored.on(told.gateway)
    first.cut()
    await eventually(() => told.states.map(({ name }) => name)).toContain('waiting')
    published.push(room.publish(5))
    await Promise.all(published)
    expect(first.of('publish').length).toBe(2)
    expect(told.stored.messages.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5])
  })

  test('is of the moment in which it was made', async ({ stage }) => {
    const told = await scripted(stage)
    const data = { list: [1] }
    const bytes = new Uint8Array([1, 2])
    const room = told.sluice.room('hall')
    const [first, second] = [room.publish(data), room.publish(bytes)]
    data.list.push(2)
    bytes[0] = 9
    await Promise.all([first, second])
    const frames = (await told.gateway.connection(0)).of('publish')
    expect(frames).toMatchObject([{ data: { list: [1] } }, { bytes: 'AQI=' }])
  })

  test.for<[string, unknown]>([
    ['undefined', undefined],
    ['a function', () => undefined],
    ['a big integer', 1n],
    ['a circle', Object.assign([] as unknown[], { map: null })],
  ])('of %s rejects with bad_request', async ([what, data], { stage }) => {
    const { sluice } = await scripted(stage)
    const circle: unknown[] = []
    circle.push(circle)
    const value = what === 'a circle' ? circle : data
    await expect(sluice.room('hall').publish(value)).rejects.toMatchObject({ code: 'bad_request' })
  })

  test('that is too large for a frame rejects here, as the gateway would close the socket for good', async ({
    stage,
  }) => {
    const told = await scripted(stage)
    const { room, first } = await opened(told)
    for (const data of ['x'.repeat(70_000), 'ü'.repeat(33_000), new Uint8Array(50_000)]) {
      await expect(room.publish(data)).rejects.toMatchObject({ code: 'too_large' })
    }
    await room.publish('ü'.repeat(32_000))
    expect(first.of('publish').length).toBe(1)
  })

  test('is refused with the gateway’s code, and what came with it', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('publish', (frame, connection) => connection.refuse(frame, 'rate_limited', { retryAfterMs: 70 }))
    await expect(sluice.room('hall').publish(1)).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 70 })
  })
})

describe('the queue', () => {
  test('is bounded', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage, { queue: { max: 3 } })
    gateway.welcome = null
    const waiting = [1, 2, 3].map((data) => sluice.send('ben', data))
    await expect(sluice.send('ben', 4)).rejects.toMatchObject({ code: 'queue_full' })
    sluice.close()
    for (const send of waiting) await expect(send).rejects.toMatchObject({ code: 'closed' })
  })

  test('can be switched off', async ({ stage }) => {
    const { gateway, sluice, states } = await scripted(stage, { queue: false })
    await expect(sluice.send('ben', 1)).rejects.toMatchObject({ code: 'unavailable' })
    await gateway.connection(0)
    await eventually(() => states.at(-1)?.name).toBe('open')
    expect(await sluice.send('ben', 2)).toEqual({ offset: undefined, duplicate: false })
  })

  test('holds each request for a bounded time', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage, { queue: { waitMs: 40 } })
    gateway.welcome = null
    await expect(sluice.send('ben', 1)).rejects.toMatchObject({ code: 'timeout' })
    await expect(sluice.send('ben', 1, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'timeout' })
  })

  test('sends a burst in order, at the pace and with the number in flight that the gateway allows', async ({
    stage,
  }) => {
    const { gateway, sluice } = await scripted(stage, { queue: { max: 500 } })
    const limits = { requestsInFlightMax: 5, publishesPerSecond: 500, publishBurst: 20 }
    gateway.welcome = () => ({ limits })
    let [inFlight, most] = [0, 0]
    gateway.play('send', (frame, connection) => {
      inFlight++
      most = Math.max(most, inFlight)
      setTimeout(() => {
        inFlight--
        connection.ok(frame)
      }, 1)
    })
    const startedAtMs = performance.now()
    await Promise.all(Array.from({ length: 100 }, (_, n) => sluice.send('ben', n)))
    expect((await gateway.connection(0)).of('send').map(({ data }) => data)).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    )
    expect(most).toBeLessThanOrEqual(5)
    expect(performance.now() - startedAtMs).toBeGreaterThan((80 / 500) * 1000)
  })
})

describe('a request', () => {
  test('that is not answered times out, and one that is aborted rejects with the reason', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage, { timeoutMs: 40 })
    gateway.play('call', () => undefined)
    await expect(sluice.call('slow', null)).rejects.toMatchObject({ code: 'timeout' })
    const abort = new AbortController()
    const call = sluice.call('slow', null, { signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
    await expect(sluice.call('slow', null, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  test('that is aborted while it waits is never sent', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const abort = new AbortController()
    const sent = sluice.send('ben', 'aborted', { signal: abort.signal })
    abort.abort()
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' })
    await sluice.send('ben', 'sent')
    expect((await gateway.connection(0)).of('send').map(({ data }) => data)).toEqual(['sent'])
  })

  test('that only reads is repeated after a lost connection, a call is not', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    const silent = (): void => undefined
    gateway.play('history', silent).play('call', silent)
    const page = sluice.room(ROOM).history({ limit: 2, before: 9 })
    const call = sluice.call('pay', 5)
    const first = await gateway.connection(0)
    await Promise.all([first.next('history'), first.next('call')])
    const messages = [
      { data: 1, offset: 3, prev: 0, time: 3, from: 'ann' },
      'odd',
      { offset: 4, prev: 3, withheld: true },
    ]
    gateway.play('history', (frame, connection) => connection.ok(frame, { messages, epoch: 'e', more: true }))
    first.cut()
    await expect(call).rejects.toMatchObject({ code: 'lost' })
    expect(await page).toMatchObject({
      messages: [{ room: ROOM, data: 1, offset: 3, from: 'ann', replayed: true }],
      more: true,
    })
    expect((await gateway.connection(1)).of('history')).toMatchObject([{ room: ROOM, limit: 2, before: 9 }])
  })

  test('that nobody awaits fails without a word', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.welcome = null
    const room = sluice.room('hall')
    void room.publish(1)
    void room.history()
    void room.presence()
    void room.ready()
    void sluice.send('ben', 1)
    void sluice.call('method', 1)
    sluice.close()
    void room.publish(2)
    void room.leave()
    // An unhandled rejection ends the test run.
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sluice.state.name).toBe('closed')
  })
})

describe('a call', () => {
  test('brings the service’s answer, its bytes, or its error', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('call', (frame, connection) => {
      if (frame.method === 'bytes') connection.ok(frame, { bytes: 'AQI=' })
      else if (frame.method === 'data') connection.ok(frame, { data: [1] })
      else connection.refuse(frame, 'service_error', { details: { why: 'empty' } })
    })
    expect(await sluice.call('data', null, { timeoutMs: 500 })).toEqual([1])
    expect(await sluice.call('bytes', null)).toEqual(new Uint8Array([1, 2]))
    await expect(sluice.call('other', null)).rejects.toMatchObject({ code: 'service_error', details: { why: 'empty' } })
    expect((await gateway.connection(0)).of('call')[0]).toMatchObject({ method: 'data', data: null, timeoutMs: 500 })
  })

  test('to a gateway that does not offer it says so', async ({ stage }) => {
    const { gateway, sluice } = await scripted(stage)
    gateway.play('call', (frame, connection) => connection.refuse(frame, 'unsupported'))
    await expect(sluice.call('method', null)).rejects.toMatchObject({ code: 'unsupported' })
  })
})
