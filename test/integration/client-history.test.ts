// The client library over histories that real gateways and a real router keep: whatever happens to its sockets, each offset once.
import { setTimeout as pause } from 'node:timers/promises'
import type { Receipt } from '@sluice/client'
import { describe, expect } from 'vitest'
import { library, libraryProcess, record, saidOf } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { HISTORY_SETTINGS, historyCluster, testWithHistory } from '../harness/history.ts'
import { startNatsProxy } from '../harness/nats-proxy.ts'
import { test as plain, type Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithHistory()

/** A client whose sockets go through a wire that can be cut, to the gateway that the test names. */
async function roaming(stage: Stage, ...gateways: readonly GatewayProcess[]) {
  const wires = await Promise.all(gateways.map(async ({ url }) => stage.use(await startNatsProxy(url))))
  const at = { now: 0 }
  const address = (): string => `ws://${new URL(wires[at.now]?.url ?? '').host}/ws`
  const told = library(stage, address, { token: await makeToken('ann', { grants: { send: ['*'] } }) })
  const cut = (): void => {
    for (const wire of wires) wire.cut()
  }
  return { ...told, at, cut }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const bad = (events: readonly (readonly [string, unknown])[]): unknown[] =>
  events.filter(([name]) => name === 'gap' || name === 'fault')

describe('a room with history', () => {
  test('cases 18 and 38: what was missed comes on another gateway, and nothing twice, however often sockets are cut', async ({
    stage,
    cluster: { one, two },
  }) => {
    const { sluice, at, cut } = await roaming(stage, one, two)
    const lobby = record(sluice.room('chat:cut'))
    await lobby.room.ready()
    const ben = await stage.user(two, 'ben')
    let published = 0
    let publishing = true
    const work = (async () => {
      while (publishing) await ben.ok({ type: 'publish', room: 'chat:cut', data: published++ })
    })()
    for (let round = 1; round <= 6; round++) {
      at.now = round % 2
      cut()
      await eventually(() => lobby.events.filter(([name]) => name === 'recovered').length).toBe(round)
    }
    publishing = false
    await work
    await eventually(() => lobby.data.length).toBe(published)
    expect(lobby.data).toEqual(numbers(published))
    expect(bad(lobby.events)).toEqual([])
  })

  test('stores once what is published while sockets are cut, in its order', async ({
    stage,
    cluster: { one, two },
  }) => {
    const { sluice, states, at, cut } = await roaming(stage, one, two)
    const lobby = record(sluice.room('chat:publisher'))
    await lobby.room.ready()
    const receipts: Promise<Receipt>[] = []
    const publish = (count: number): void => {
      for (let n = 0; n < count; n++) receipts.push(lobby.room.publish(receipts.length))
    }
    for (let round = 1; round <= 6; round++) {
      publish(10)
      at.now = round % 2
      cut()
      publish(10)
      await eventually(() => states.filter(({ name }) => name === 'open').length).toBe(round + 1)
    }
    const offsets = (await Promise.all(receipts)).map(({ offset }) => offset)
    expect(new Set(offsets).size).toBe(120)
    await eventually(() => lobby.data.length).toBe(120)
    expect(lobby.messages.map(({ offset }) => offset)).toEqual(offsets.toSorted((a, b) => Number(a) - Number(b)))
    expect(lobby.data).toEqual(numbers(120))
    expect(bad(lobby.events)).toEqual([])
  })

  test('keeps its chain where the publisher does not hear itself, by wish or by the namespace', async ({
    stage,
    cluster: { one, two },
  }) => {
    const { sluice, cut } = await roaming(stage, one)
    const ben = await stage.user(two, 'ben')
    for (const name of ['chat:echo', 'quiet:echo']) {
      const told = record(sluice.room(name))
      await told.room.ready()
      const options = name === 'chat:echo' ? { echo: false } : {}
      for (let n = 0; n < 5; n++) {
        await told.room.publish('mine', options)
        await ben.ok({ type: 'publish', room: name, data: n })
      }
      await eventually(() => told.data).toEqual(numbers(5))
      cut()
      await ben.ok({ type: 'publish', room: name, data: 5 })
      await eventually(() => told.data).toEqual(numbers(6))
      expect(bad(told.events)).toEqual([])
    }
  })

  test('gives its last messages at first, and pages both ways', async ({ stage, cluster: { one } }) => {
    const { sluice } = await roaming(stage, one)
    const ben = await stage.user(one, 'ben')
    for (let n = 0; n < 30; n++) await ben.ok({ type: 'publish', room: 'chat:pages', data: n })
    const told = record(sluice.room('chat:pages', { history: 3 }))
    await told.room.ready()
    expect(told.messages.map(({ data, replayed }) => [data, replayed])).toEqual([27, 28, 29].map((n) => [n, true]))
    const older = await told.room.history({ before: told.messages[0]?.offset ?? 0, limit: 10 })
    expect(older).toMatchObject({
      more: true,
      messages: numbers(10).map((n) => ({ data: n + 17, room: 'chat:pages' })),
    })
    const newer = await told.room.history({ after: older.messages.at(-1)?.offset ?? 0 })
    expect([newer.messages.map(({ data }) => data), newer.more]).toEqual([[27, 28, 29], false])
  })

  test('tells a gap where it cannot be recovered, with the last messages instead', async ({
    stage,
    cluster: { one, two },
  }) => {
    const { sluice, at, cut } = await roaming(stage, one, two)
    const told = record(sluice.room('short:gap', { history: 2 }))
    await told.room.ready()
    const ben = await stage.user(one, 'ben')
    await ben.ok({ type: 'publish', room: 'short:gap', data: 'heard' })
    await eventually(() => told.data).toEqual(['heard'])
    at.now = 7
    cut()
    for (let n = 0; n < 20; n++) await ben.ok({ type: 'publish', room: 'short:gap', data: n })
    // The other gateway remembers nothing of this room: it has what is kept, ten messages.
    at.now = 1
    await eventually(() => told.data).toEqual(['heard', 18, 19])
    expect(bad(told.events)).toMatchObject([['gap', { reason: 'expired', from: told.messages[0]?.offset }]])
  })
})

test('an inbox keeps what was sent while the user was away', async ({ stage, cluster: { one, two } }) => {
  const { sluice, at, cut } = await roaming(stage, one, two)
  const inbox = sluice.inbox()
  const heard: unknown[] = []
  inbox.on('message', ({ data }) => heard.push(data))
  await inbox.ready()
  const ben = await stage.user(two, 'ben')
  await ben.ok({ type: 'send', user: 'ann', data: 0 })
  await eventually(() => heard).toEqual([0])
  at.now = 1
  cut()
  for (const data of [1, 2]) await ben.ok({ type: 'send', user: 'ann', data })
  await eventually(() => heard).toEqual([0, 1, 2])
  const { messages } = await inbox.history({ limit: 2 })
  expect(messages.map(({ data, room }) => [data, room])).toEqual([
    [1, undefined],
    [2, undefined],
  ])
})

plain('case 42: a client process that was stopped gets all that was published meanwhile, once', async ({ stage }) => {
  const settings = { ...HISTORY_SETTINGS, limits: { heartbeatMs: 1000, silenceMs: 3000 } }
  const { gateways } = await historyCluster(stage, { gateways: 1, settings })
  const [gateway] = gateways as [GatewayProcess]
  const child = await libraryProcess(stage, gateway.url, 'chat:asleep', { backoff: { minMs: 50 } })
  const ben = await stage.user(gateway, 'ben')
  await ben.ok({ type: 'publish', room: 'chat:asleep', data: 0 })
  await eventually(() => saidOf(child, 'message').length).toBe(1)
  child.signal('SIGSTOP')
  for (let n = 1; n <= 20; n++) {
    await ben.ok({ type: 'publish', room: 'chat:asleep', data: n })
    await pause(300)
  }
  child.signal('SIGCONT')
  const heard = (): unknown[] => (saidOf(child, 'message') as { data: unknown }[]).map(({ data }) => data)
  await eventually(heard).toEqual(numbers(21))
  await eventually(() => saidOf(child, 'recovered').length).toBe(1)
  expect([...saidOf(child, 'gap'), ...saidOf(child, 'fault')]).toEqual([])
})

plain(
  'case 36: a gateway that drains sends its clients elsewhere first: no state but open, each offset once',
  async ({ stage }) => {
    const { chat } = HISTORY_SETTINGS.namespaces
    const settings = { namespaces: { default: chat, chat: { ...chat, presence: true } }, drain: { windowMs: 6000 } }
    const { gateways } = await historyCluster(stage, { settings })
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    const at = { now: one.url }
    const token = await makeToken('ann')
    const { sluice, states } = library(stage, () => at.now, { token })
    const lobby = record(sluice.room('chat:moved'))
    await lobby.room.ready()
    const ben = await stage.user(two, 'ben')
    expect(await ben.ok({ type: 'join', room: 'chat:moved', presence: true })).toMatchObject({ count: 2 })
    let published = 0
    let publishing = true
    const work = (async () => {
      while (publishing) await ben.ok({ type: 'publish', room: 'chat:moved', data: published++ })
    })()
    at.now = two.url
    one.child.signal('SIGTERM')
    await one.child.exited
    publishing = false
    await work
    await eventually(() => lobby.data.length).toBe(published)
    expect(lobby.data).toEqual(numbers(published))
    expect(bad(lobby.events)).toEqual([])
    expect(states.map(({ name }) => name)).toEqual(['connecting', 'open', 'open'])
    // Nobody has seen it leave or come.
    expect(ben.frames.filter(({ type }) => type === 'joined' || type === 'left')).toEqual([])
  },
)
