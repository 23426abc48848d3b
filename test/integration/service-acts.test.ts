// The examples of the services' page that are asked by gateways (calls, rights) and that have routers act (publish, control), each run
// in its language.
import { describe, expect } from 'vitest'
import type { Child } from '../harness/child.ts'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import {
  EXAMPLE_SETTINGS,
  inbox,
  lobby,
  member,
  output,
  type Shared,
  sorted,
  test,
  told,
} from '../harness/example-cluster.ts'
import { DEFAULT_SETTINGS } from '../harness/gateway.ts'
import { type Example, LANGUAGES, type Language, type Runnable } from '../harness/service-examples.ts'
import { makeToken } from '../harness/tokens.ts'

/** Starts one that answers until it is killed; what it is asked before it listens is answered `no_service`. */
async function service(run: Runnable, example: Example, { nats }: Shared): Promise<Child & AsyncDisposable> {
  const child = run.start(example, nats.url)
  const ready = /^(?:answering|deciding)$|Listening on/
  await child.line((line) => ready.test(line), 'a service')
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      child.signal('SIGKILL')
      await child.exited
    },
  })
}

/** Asks until one answers: the command tells that it listens a moment too early. */
async function answered(client: Client, frame: object): Promise<Record<string, unknown>> {
  let answer = await client.request(frame)
  await eventually(async () => {
    if (answer.code === 'no_service') answer = await client.request(frame)
    return answer.code
  }).not.toBe('no_service')
  return answer
}

const order = (id: unknown) => ({ type: 'call', method: 'orders.get', data: { id } })

describe.each(LANGUAGES)('the examples in %s', (language: Language) => {
  test('answer calls, by whom they are, and share them', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    await using one = await service(run, 'answer', cluster)
    const alice = await stage.user(cluster.gateway, 'alice')
    expect(await answered(alice, order(7))).toMatchObject({ data: { id: 7, state: 'shipped' } })
    await using two = await service(run, 'answer', cluster)
    const asked = ({ lines }: Child) =>
      lines.filter((line) => (language === 'cli' ? line.includes('sluice.call.orders.get') : line.includes('asks for')))
        .length
    await eventually(async () => {
      await alice.ok(order(7))
      return Math.min(asked(one), asked(two))
    }).toBeGreaterThan(1)
    if (language === 'cli') return
    expect(one.lines).toContain('alice asks for order 7')
    const mallory = await stage.user(cluster.gateway, 'mallory')
    for (const [client, id] of [
      [mallory, 7],
      [alice, 8],
    ] as const)
      expect(await client.request(order(id))).toMatchObject({
        code: 'service_error',
        message: 'no such order',
        details: { id },
      })
    for (const data of [null, 'seven', []])
      expect(await alice.request({ ...order(7), data })).toMatchObject({ code: 'service_error' })
    expect(await alice.ok(order(7))).toMatchObject({ data: { id: 7 } })
  })

  test('decide who may connect, join and publish', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const alice = await stage.user(cluster.gateway, 'alice')
    expect(await alice.refused({ type: 'join', room: 'ask:ticket-7' })).toBe('no_service')
    await using _ = await service(run, 'authorize', cluster)
    expect(await answered(alice, { type: 'join', room: 'ask:ticket-7' })).toMatchObject({ type: 'ok' })
    await alice.ok({ type: 'publish', room: 'ask:ticket-7', data: 'hello' })
    if (language === 'cli') return
    for (let at = 0; at < 4; at++) await alice.ok({ type: 'publish', room: 'ask:ticket-7', data: at })
    expect(await alice.refused({ type: 'publish', room: 'ask:ticket-7', data: 5 })).toBe('rate_limited')
    const bob = await stage.user(cluster.gateway, 'bob')
    expect(await bob.request({ type: 'join', room: 'ask:ticket-7' })).toMatchObject({
      code: 'forbidden',
      message: 'not your ticket',
    })
    expect(await bob.refused({ type: 'publish', room: 'ask:ticket-7', data: 1 })).toBe('forbidden')
    const auth = { ...DEFAULT_SETTINGS.auth, service: true }
    const asking = await stage.gateway(cluster.nats, { settings: { ...DEFAULT_SETTINGS, ...EXAMPLE_SETTINGS, auth } })
    await stage.user(asking, 'alice')
    const mallory = await stage.open(asking, { token: await makeToken('mallory') })
    expect(await mallory.closed).toEqual({ code: 4003, reason: 'blocked' })
  })

  test('have routers publish, and learn to how many', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const alice = await member(stage, cluster, 'alice', 'chat:lobby', 'chat:Team A.1', 'lobby')
    const bob = await member(stage, cluster, 'bob', 'chat:lobby')
    const carol = await member(stage, cluster, 'carol', 'chat:lobby')
    const printed = (await output(run, 'publish', cluster)).split('\n')
    if (language === 'cli') {
      const [shipped, first, again, ...lists] = printed
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
      expect(shipped).toMatchObject({ receipt: { gateways: 1, connections: 2, written: 2, skipped: 0 } })
      expect(again).toEqual(first)
      expect(lists).toEqual([{ published: 3 }, { published: 2 }])
    } else {
      expect(printed).toEqual(['written to 2 of 2 on 1 gateway', 'the same place: true', 'into 3 rooms, to 2 users'])
    }
    const stored = (fields: object): object => lobby({ ...fields, stored: true })
    const shipped = stored({ data: { order: 7 }, event: 'order.shipped' })
    const both = [stored({ data: { text: 'once' } }), stored({ data: 'all' })]
    const others = [
      { room: 'chat:Team A.1', data: 'all', stored: true },
      { room: 'lobby', data: 'all' },
    ]
    await eventually(() => sorted(told(alice))).toEqual(
      sorted([shipped, ...both, ...others, inbox('alice', { unread: 3 })]),
    )
    await eventually(() => sorted(told(bob))).toEqual(
      sorted([stored({ withheld: true }), ...both, inbox('bob', { unread: 3 })]),
    )
    await eventually(() => sorted(told(carol))).toEqual(sorted([shipped, ...both]))
  })

  test('put users into rooms, take them out, move and close them', async ({ stage, cluster, skip }) => {
    const run = cluster.runs(language)
    if (typeof run === 'string') return skip(run)
    const issued = Math.floor(Date.now() / 1000)
    const token = await makeToken('bob')
    const bob = await stage.open(cluster.gateway, { token })
    await bob.welcome()
    const [alice, carol] = [await stage.user(cluster.gateway, 'alice'), await stage.user(cluster.gateway, 'carol')]
    // A token that was issued in the same second is not older.
    await eventually(() => Math.floor(Date.now() / 1000)).toBeGreaterThan(issued + 1)
    const printed = await output(run, 'control', cluster, carol.session)
    if (language === 'cli') {
      const answers = printed.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
      expect(answers.map(({ connections }) => connections)).toEqual([1, 1, 1, 1, 1, undefined])
      expect(answers.at(-1)).toMatchObject({ code: 'not_found' })
    } else {
      expect(printed.split('\n')).toEqual([
        'alice: joined 1, left 1',
        'session: closed 1',
        'bob: closed 1',
        'moved 1',
        'refused: not_found',
      ])
    }
    expect(await alice.next(({ type }) => type === 'added')).toMatchObject({ room: 'chat:garden' })
    expect(await alice.next(({ type }) => type === 'removed')).toMatchObject({ reason: 'closing time' })
    expect(await carol.closed).toEqual({ code: 4005, reason: 'one of too many' })
    expect(await bob.closed).toEqual({ code: 4005, reason: 'banned' })
    expect((await (await stage.open(cluster.gateway, { token })).closed).code).toBe(4001)
    await alice.next(({ type }) => type === 'move')
  })
})
