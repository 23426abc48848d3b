// With the rights of deploy/nats/accounts.conf nobody can do more than was given: a table of attempts for each service, for gateways and
// for routers, and what a tap among gateways has seen of them. That all of it works is isolation-rights.test.ts.
import { errors, headers } from '@nats-io/transport-node'
import { API_VERBS } from '@sluice/proto'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { type NatsUser, startNatsWithAccounts } from '../harness/nats-accounts.ts'
import { makeAuditConsumer, RIGHTS_SETTINGS, reached, test } from '../harness/rights.ts'
import { serve } from '../harness/service.ts'
import { api } from '../harness/services.ts'
import { test as plain } from '../harness/stage.ts'

/** Subjects that no service of the example may reach. */
const FORBIDDEN = [
  'sluice.room.private.board',
  'sluice.room.default.lobby',
  'sluice.room.chat.a.b',
  'sluice.pub.room.private.board',
  'sluice.user.ann',
  'sluice.pub.user.ann',
  'sluice.session.gw.1',
  'sluice.live.room.chat.lobby',
  'sluice.live.user.ann',
  'sluice.event.joined.chat.lobby.ann',
  'sluice.ctl.all',
  'sluice.ctl.gateway.gw',
  'sluice.ctl.routers',
  'sluice.lease.gateway.gw',
  'sluice.presence.room.1.chat.lobby.gw.0',
  'sluice.ctl.receipt.one',
  'sluice.revoked.user.ann',
  'sluice.call.elsewhere',
  'sluice.call.orders.get',
  'sluice.authorize.join.ask',
  'sluice.authorize.connect',
  'sluice.api.publish',
  'sluice.api.join',
  'sluice.api.leave',
  'sluice.api.move',
  '$KV.sluice_revoked.user.ann',
  '$KV.sluice_lease.gateway.gw',
  '$KV.sluice_presence_1_64.user.1.gw.0',
  '$JS.API.STREAM.DELETE.SLUICE_HISTORY_chat',
  '$JS.API.STREAM.PURGE.SLUICE_HISTORY_chat',
  '$JS.API.DIRECT.GET.SLUICE_HISTORY_chat',
  '$JS.API.CONSUMER.DURABLE.CREATE.SLUICE_EVENTS.mine',
]

const SERVICES: readonly NatsUser[] = ['pusher', 'asker', 'audit', 'orders', 'doors', 'moderator']

/** Verbs that each may ask; every other is answered by nobody. */
const ASKED: Partial<Record<NatsUser, readonly string[]>> = {
  asker: ['presence', 'count', 'rooms', 'user', 'gateways'],
  moderator: ['disconnect'],
}

describe('a service with these rights', () => {
  test.for(SERVICES)('%s reaches nothing beyond them, whatever it publishes', async (user, { sluice }) => {
    const mark = `forbidden to ${user}`
    const nats = await sluice.connect(user)
    const arrived = await reached(sluice, mark, () => {
      for (const subject of FORBIDDEN) nats.publish(subject, JSON.stringify(mark))
      return nats.flush()
    })
    expect(arrived).toEqual([])
  })

  test.for(SERVICES)('%s is answered the verbs that it was given alone', async (user, { sluice }) => {
    const nats = await sluice.connect(user)
    const answered: string[] = []
    for (const verb of API_VERBS) {
      const answer = await api(nats, verb, {}).catch((error: unknown) => error)
      if (!(answer instanceof errors.NoRespondersError || answer instanceof errors.RequestError)) answered.push(verb)
      else expect(String(answer)).toMatch(/no responders/)
    }
    expect(answered.toSorted()).toEqual((ASKED[user] ?? []).toSorted())
  })

  test.for(SERVICES)(
    '%s hears nothing of rooms, users, presence or other services',
    async (user, { stage, sluice }) => {
      const heard: string[] = []
      const nats = await sluice.connect(user)
      for (const subject of [
        '>',
        'sluice.>',
        'sluice.room.chat.*',
        'sluice.live.>',
        'sluice.api.*',
        '_INBOX.>',
        '$KV.>',
      ])
        nats.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) })
      await nats.flush()
      const room = `chat:unheard-${user}`
      const ann = await stage.user(sluice.one, 'unheard-ann')
      await ann.ok({ type: 'join', room, presence: true })
      await ann.ok({ type: 'publish', room, data: 'stored' })
      await ann.ok({ type: 'publish', room, data: 'live', ephemeral: true })
      const other = await sluice.connect(user === 'asker' ? 'pusher' : 'asker')
      await other.request(user === 'asker' ? 'sluice.pub.room.chat.unheard' : 'sluice.api.gateways', '{}')
      await nats.flush()
      await ann.request({ type: 'call', method: 'elsewhere', data: 'not theirs' })
      await ann.request({ type: 'call', method: 'orders.get', data: 'of orders', timeoutMs: 500 })
      await ann.request({ type: 'join', room: 'ask:theirs' })
      await nats.flush()
      // What it is asked itself is all that it hears.
      const own = { orders: ['sluice.call.orders.get'], doors: ['sluice.authorize.join.ask'] }
      expect([...new Set(heard)]).toEqual(own[user as keyof typeof own] ?? [])
      await nats.close()
    },
  )

  test('cannot pose as a user to one that answers calls or decides about rooms', async ({ stage, sluice }) => {
    const answers = await serve(await sluice.connect('orders'), 'sluice.call.>', () => '1')
    const decides = await serve(await sluice.connect('doors'), 'sluice.authorize.>', () => '{"allow":true}')
    const posing: readonly NatsUser[] = ['pusher', 'asker', 'audit', 'moderator', 'router']
    const forged = headers()
    forged.set('Sluice-From', 'root')
    forged.set('Sluice-Claims', '{"sub":"root"}')
    const nobody = /no responders|ermissions/i
    for (const user of posing) {
      const nats = await sluice.connect(user)
      for (const subject of ['sluice.call.orders.get', 'sluice.authorize.join.ask']) {
        const asked = nats.request(subject, '{}', { headers: forged, timeout: 2000 })
        await expect(asked, `${user} on ${subject}`).rejects.toThrow(nobody)
      }
    }
    // Not to each other either.
    for (const [user, subject] of [
      ['orders', 'sluice.authorize.join.ask'],
      ['doors', 'sluice.call.orders.get'],
    ] as const) {
      const asked = (await sluice.connect(user)).request(subject, '{}', { headers: forged, timeout: 2000 })
      await expect(asked.then((message) => message.string())).rejects.toThrow()
    }
    const ann = await stage.user(sluice.one, 'posed-ann')
    await ann.ok({ type: 'call', method: 'orders.get', data: 1 })
    await ann.ok({ type: 'join', room: 'ask:posed' })
    expect(answers.asked.map(({ headers }) => headers?.get('Sluice-From'))).toEqual(['posed-ann'])
    expect(decides.asked).toHaveLength(1)
    await answers.stop()
    await decides.stop()
  })

  test('cannot have an answer sent into a room: each is given inside of its own account', async ({ stage, sluice }) => {
    const ann = await (await stage.user(sluice.one, 'answers-ann')).join('private:board')
    const reply = 'sluice.room.private.board'
    await makeAuditConsumer(sluice)
    const asked: [NatsUser, string, string][] = [
      ['pusher', 'sluice.pub.room.chat.reply', '"to be acknowledged"'],
      ['asker', 'sluice.api.gateways', '{}'],
      ['moderator', 'sluice.api.disconnect', '{"user":"nobody"}'],
      ['audit', 'sluice.js.CONSUMER.INFO.SLUICE_EVENTS.audit', ''],
      ['audit', 'sluice.js.CONSUMER.MSG.NEXT.SLUICE_EVENTS.audit', '{"no_wait":true,"batch":1}'],
    ]
    for (const [user, subject, body] of asked) {
      const nats = await sluice.connect(user)
      let answered = 0
      nats.subscribe(reply, { callback: () => void answered++ })
      nats.publish(subject, body, { reply })
      await eventually(() => answered).toBeGreaterThan(0)
    }
    ;(await sluice.connect('operator')).publish(reply, '"the only one"')
    expect((await ann.message()).data).toBe('the only one')
  })
})

describe('a gateway or a router with these rights', () => {
  const beyond: readonly [NatsUser, readonly string[]][] = [
    [
      'gateway',
      [
        'sluice.live.room.chat.lobby',
        'sluice.live.user.ann',
        'sluice.event.joined.chat.lobby.ann',
        'sluice.api.disconnect',
        'sluice.api.publish',
        'sluice.ctl.all',
        'sluice.ctl.gateway.other',
        'sluice.lease.gateway.other',
        'sluice.revoked.user.ann',
        '$KV.sluice_revoked.user.ann',
        '$KV.sluice_lease.router.other',
        '$JS.API.STREAM.PURGE.KV_sluice_presence_1_64',
        '$JS.API.STREAM.DELETE.SLUICE_HISTORY_chat',
        '$JS.API.DIRECT.GET.SLUICE_EVENTS',
        '_INBOX.other',
      ],
    ],
    [
      'router',
      [
        'sluice.live.room.chat.lobby',
        'sluice.live.user.ann',
        'sluice.room.chat.a.b',
        'sluice.call.orders.get',
        'sluice.authorize.join.ask',
        'sluice.api.disconnect',
        'sluice.ctl.receipt.one',
        'sluice.lease.gateway.other',
        'sluice.revoked.user.ann',
        '$KV.sluice_presence_1_64.user.1.gw.0',
        '$JS.API.STREAM.DELETE.SLUICE_HISTORY_chat',
        '$JS.API.STREAM.PURGE.SLUICE_HISTORY_chat',
        '$JS.API.CONSUMER.CREATE.SLUICE_HISTORY_chat',
      ],
    ],
  ]

  test.for(beyond)('as %s is refused what it does not need', async ([user, subjects], { sluice }) => {
    const nats = await sluice.connect(user)
    const refused: string[] = []
    void (async () => {
      for await (const status of nats.status())
        if (status.type === 'error' && status.error instanceof errors.PermissionViolationError)
          refused.push(status.error.subject)
    })()
    const arrived = await reached(sluice, `beyond ${user}`, async () => {
      for (const subject of subjects) nats.publish(subject, `"beyond ${user}"`)
      await eventually(() => refused).toEqual(subjects)
    })
    expect(arrived).toEqual([])
  })
})

plain(
  'the right to `sluice.api.publish` is the right to every room, as nobody; answers stay in the account',
  async ({ stage }) => {
    const accounts = await startNatsWithAccounts(stage, {
      change: (text) => text.replaceAll('sluice.api.disconnect', 'sluice.api.publish'),
    })
    await accounts.router(RIGHTS_SETTINGS)
    const gateway = await accounts.gateway(RIGHTS_SETTINGS)
    const publisher = await accounts.connect('moderator')
    const ann = await (await stage.user(gateway, 'ann')).join('private:board')
    const forged = headers()
    forged.set('Sluice-From', 'root')
    const request = JSON.stringify({ room: 'private:board', data: 'anywhere', from: 'root' })
    await publisher.request('sluice.api.publish', request, { headers: forged, timeout: 3000 })
    expect(await ann.message()).toEqual({ type: 'message', room: 'private:board', data: 'anywhere' })
    let answered = 0
    const reply = 'sluice.room.private.board'
    publisher.subscribe(reply, { callback: () => void answered++ })
    publisher.publish('sluice.api.publish', JSON.stringify({ room: 'lobby', data: 1 }), { reply })
    await eventually(() => answered).toBe(1)
    ;(await accounts.connect('operator')).publish(reply, '"the only one"')
    expect((await ann.message()).data).toBe('the only one')
  },
)
