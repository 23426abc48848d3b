// Gateways, routers and services with the rights of deploy/nats/accounts.conf, and no others: all of it works, and nobody can do more.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'
import { describe, expect } from 'vitest'
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { positionOf } from '../harness/history.ts'
import { NATS_USERS, type NatsUser, type NatsWithAccounts, startNatsWithAccounts } from '../harness/nats-accounts.ts'
import type { RouterProcess } from '../harness/router.ts'
import { test as plain, Stage } from '../harness/stage.ts'

/** What operators copy. */
const CONFIGURATION = resolve(import.meta.dirname, '../../deploy/nats/nats-server.conf')

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = {
  namespaces: {
    default: { ...open, presence: true },
    chat: { ...open, presence: true, history: { messages: 1000, seconds: 3600 } },
    private: open,
  },
  inbox: { history: { messages: 100, seconds: 3600 } },
}

interface Installation extends NatsWithAccounts {
  readonly routers: readonly RouterProcess[]
  readonly one: GatewayProcess
  readonly two: GatewayProcess
  /** Everything that is published in the account of gateways, by subject. */
  readonly tap: { readonly subject: string; readonly text: string }[]
}

const test = plain.extend(
  'sluice',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Installation> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const accounts = await startNatsWithAccounts(stage)
    const routers = [await accounts.router(SETTINGS), await accounts.router(SETTINGS)]
    const [one, two] = await Promise.all([accounts.gateway(SETTINGS), accounts.gateway(SETTINGS)])
    const operator = await accounts.connect('operator')
    const tap: Installation['tap'] = []
    operator.subscribe('>', {
      callback: (_, message) => void tap.push({ subject: message.subject, text: message.string() }),
    })
    await operator.flush()
    return { ...accounts, routers, one, two, tap }
  },
)

/** Where messages with this mark have arrived among gateways. */
async function reached({ tap, connect }: Installation, mark: string): Promise<string[]> {
  const operator = await connect('operator')
  operator.publish('sluice.room.private.end', JSON.stringify(`end of ${mark}`))
  await eventually(() => tap.filter(({ text }) => text.includes(`end of ${mark}`))).toHaveLength(1)
  return tap.flatMap(({ subject, text }) => (text.includes(mark) && !text.includes('end of') ? [subject] : []))
}

test('the whole configuration is one that nats-server takes', async () => {
  const program = await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: () => undefined })
  const passwords = NATS_USERS.map((user) => [`SLUICE_${user.toUpperCase()}_PASSWORD`, `of-${user}`])
  const { stderr } = spawnSync(program, ['-t', '-c', CONFIGURATION], {
    env: Object.fromEntries(passwords),
    encoding: 'utf8',
  })
  expect(stderr).toContain('is valid')
})

describe('with the rights of deploy/nats, and no others', () => {
  test('rooms, users, presence and history work across gateways', async ({ stage, sluice: { one, two } }) => {
    const ann = await stage.user(one, 'rights-ann')
    const ben = await stage.user(two, 'rights-ben')
    for (const room of ['lobby', 'chat:lobby']) {
      await ben.join(room)
      const { members } = await ann.ok({ type: 'join', room, presence: true })
      expect(members).toHaveLength(2)
      await ann.ok({ type: 'publish', room, data: room })
      expect(await ben.message()).toMatchObject({ room, data: room, from: 'rights-ann' })
    }
    await ann.ok({ type: 'send', session: ben.session, data: 'to the session' })
    expect(await ben.message()).toMatchObject({ data: 'to the session' })
    await ben.ok({ type: 'join', user: 'rights-ben' })
    await ann.ok({ type: 'send', user: 'rights-ben', data: 'kept' })
    expect(await ben.message()).toMatchObject({ data: 'kept', offset: expect.any(Number) })
    expect(await ann.ok({ type: 'presence', room: 'chat:elsewhere' })).toMatchObject({ count: 0 })
    await ben.leave()
    expect(await ann.next(({ type }) => type === 'left')).toMatchObject({ member: { user: 'rights-ben' } })
  })

  test('who comes back with a position misses nothing, and pages read backwards', async ({
    stage,
    sluice: { one, two },
  }) => {
    const room = 'chat:since'
    const ann = await stage.user(one, 'since-ann')
    const since = positionOf(await ann.ok({ type: 'join', room }))
    await ann.leave()
    const ben = await stage.user(two, 'since-ben')
    for (let n = 0; n < 20; n++) await ben.ok({ type: 'publish', room, data: n })
    const back = await stage.user(one, 'since-ann')
    expect(await back.ok({ type: 'join', room, since })).toMatchObject({ recovered: true })
    expect(back.dataOf(room)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const page = await back.ok({ type: 'history', room, limit: 5 })
    expect((page.messages as { data: unknown }[]).map(({ data }) => data)).toEqual([15, 16, 17, 18, 19])
  })

  test('a service that may push does so, live and stored, and learns where it is stored', async ({ stage, sluice }) => {
    const ann = await (await stage.user(sluice.one, 'pushed-ann')).join('chat:pushed')
    const pusher = await sluice.connect('pusher')
    pusher.publish('sluice.room.chat.pushed', '"live"')
    expect(await ann.message()).toMatchObject({ data: 'live' })
    const js = jetstream(pusher)
    const stored = await js.publish('sluice.pub.room.chat.pushed', '"stored"', { msgID: 'pushed/1' })
    expect(stored).toMatchObject({ stream: 'SLUICE_HISTORY_chat', duplicate: false })
    expect(await ann.message()).toMatchObject({ data: 'stored', offset: stored.seq })
    const again = await js.publish('sluice.pub.room.chat.pushed', '"stored"', { msgID: 'pushed/1' })
    expect(again).toMatchObject({ seq: stored.seq, duplicate: true })
  })

  test('a service that may ask is answered', async ({ stage, sluice }) => {
    await (await stage.user(sluice.one, 'asked-ann')).join('chat:asked')
    const asker = await sluice.connect('asker')
    const ask = async (verb: string, body: object) =>
      (await asker.request(`sluice.api.${verb}`, JSON.stringify(body), { timeout: 3000 })).json<
        Record<string, unknown>
      >()
    await eventually(async () => (await ask('presence', { room: 'chat:asked' })).count).toBe(1)
    expect(await ask('user', { user: 'asked-ann' })).toMatchObject({ connections: 1, rooms: ['chat:asked'] })
    expect((await ask('count', { rooms: ['chat:asked'] })).counts).toMatchObject({ 'chat:asked': { members: 1 } })
    expect((await ask('rooms', { namespace: 'chat' })).rooms).toContainEqual(
      expect.objectContaining({ room: 'chat:asked' }),
    )
    expect((await ask('gateways', {})).gateways).toHaveLength(2)
  })

  test('a service that may read events reads them through the consumer that an operator has made', async ({
    stage,
    sluice,
  }) => {
    const operator = await sluice.connect('operator')
    const consumer = {
      durable_name: 'audit',
      ack_policy: 'explicit',
      deliver_policy: 'new',
      filter_subjects: ['sluice.event.joined.chat.*.*', 'sluice.event.left.chat.*.*'],
    }
    const made = await operator.request(
      '$JS.API.CONSUMER.DURABLE.CREATE.SLUICE_EVENTS.audit',
      JSON.stringify({ stream_name: 'SLUICE_EVENTS', config: consumer }),
    )
    expect(made.json()).not.toHaveProperty('error')
    const audit = await sluice.connect('audit')
    const events = await jetstream(audit, { apiPrefix: 'sluice.js' }).consumers.get('SLUICE_EVENTS', 'audit')
    const ann = await (await stage.user(sluice.one, 'audited-ann')).join('chat:audited')
    const joined = await events.next({ expires: 5000 })
    expect(joined?.json()).toMatchObject({ kind: 'joined', user: 'audited-ann', room: 'chat:audited' })
    expect(await joined?.ackAck()).toBe(true)
    await ann.leave()
    expect((await events.next({ expires: 5000 }))?.json()).toMatchObject({ kind: 'left', user: 'audited-ann' })
  })

  test('nothing that a gateway or a router needs was refused', async ({ sluice: { one, two, routers } }) => {
    for (const { log } of [one, two, ...routers]) {
      expect(log.filter(({ reason }) => /ermission/.test(String(reason)))).toEqual([])
    }
  })
})

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
  '$KV.sluice_lease.gateway.gw',
  '$KV.sluice_presence_1_64.user.1.gw.0',
  '$JS.API.STREAM.DELETE.SLUICE_HISTORY_chat',
  '$JS.API.STREAM.PURGE.SLUICE_HISTORY_chat',
  '$JS.API.DIRECT.GET.SLUICE_HISTORY_chat',
  '$JS.API.CONSUMER.DURABLE.CREATE.SLUICE_EVENTS.mine',
]

const SERVICES: readonly NatsUser[] = ['pusher', 'asker', 'audit']

describe('a service with these rights', () => {
  test.for(SERVICES)('%s reaches nothing beyond them, whatever it publishes', async (user, { sluice }) => {
    const mark = `forbidden to ${user}`
    const nats = await sluice.connect(user)
    for (const subject of FORBIDDEN) nats.publish(subject, JSON.stringify(mark))
    await nats.flush()
    expect(await reached(sluice, mark)).toEqual([])
  })

  test.for(SERVICES)(
    '%s hears nothing of rooms, users, presence or other services',
    async (user, { stage, sluice }) => {
      const heard: string[] = []
      const nats = await sluice.connect(user)
      for (const subject of ['>', 'sluice.>', 'sluice.room.chat.*', 'sluice.live.>', '_INBOX.>', '$KV.>'])
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
      expect(heard).toEqual([])
    },
  )

  test('cannot have an answer sent into a room: each is given inside of its own account', async ({ stage, sluice }) => {
    const ann = await (await stage.user(sluice.one, 'answers-ann')).join('private:board')
    const reply = 'sluice.room.private.board'
    const asked: [NatsUser, string, string][] = [
      ['pusher', 'sluice.pub.room.chat.reply', '"to be acknowledged"'],
      ['asker', 'sluice.api.gateways', '{}'],
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
        'sluice.ctl.all',
        'sluice.ctl.gateway.other',
        'sluice.lease.gateway.other',
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
        'sluice.room.chat.lobby',
        'sluice.user.ann',
        'sluice.pub.room.chat.lobby',
        'sluice.live.room.chat.lobby',
        'sluice.lease.gateway.other',
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
    for (const subject of subjects) nats.publish(subject, `"beyond ${user}"`)
    await eventually(() => refused).toEqual(subjects)
    expect(await reached(sluice, `beyond ${user}`)).toEqual([])
  })
})
