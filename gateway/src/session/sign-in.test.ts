import { createSubjects, DEFAULT_LIMITS, type GatewayId } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test, vi } from 'vitest'
import { type FakeConnection, fakeConnection, principalOf, recordedWire } from '../../../test/harness/session-fakes.ts'
import type { AuthRefusal, AuthResult, Principal } from '../accept/authenticate/principal.ts'
import { createTopics } from '../fanout/topics.ts'
import { refusal } from './answer.ts'
import type { Connection } from './connection.ts'
import { createConnections } from './connections.ts'
import { createSignIn, type SignInOptions } from './sign-in.ts'

const NOW = 1_700_000_000_000
const USER = 'sluice.user.alice'

const refused = (reason: AuthRefusal['reason']): AuthRefusal => ({ kind: 'refused', reason, detail: 'why' })
const accepted = (user = 'alice', fields: Partial<Principal> = {}): AuthResult => ({
  kind: 'ok',
  principal: { ...principalOf(user), ...fields },
})

/** Tokens are what the test says of them: `good` is alice. */
function build(options: Partial<SignInOptions> & { confirms?: boolean } = {}) {
  const { wire, outbox } = recordedWire()
  const tokens = new Map<string, AuthResult | Promise<AuthResult>>([['good', accepted()]])
  const backplane = {
    connected: true,
    connects: 0,
    confirms: options.confirms ?? true,
    confirm: async () => backplane.confirms,
    listen: () => ({ denied: false, unsubscribe: () => undefined }),
  }
  const topics = createTopics({
    backplane,
    deliver: () => undefined,
    lingerSweeps: 1,
    onOpened: () => undefined,
    onClosed: () => undefined,
  })
  const connections = createConnections()
  const signInFailures = new Tally()
  const told: { failures: string[]; opened: Connection[]; refreshed: Connection[] } = {
    failures: [],
    opened: [],
    refreshed: [],
  }
  const signIn = createSignIn({
    authenticator: { authenticate: async (token) => tokens.get(token) ?? refused('unauthorized') },
    topics,
    keepsInbox: () => false,
    backplane,
    subjects: createSubjects('sluice'),
    connections,
    wire,
    gateway: 'gw' as GatewayId,
    revocations: () => null,
    limits: DEFAULT_LIMITS,
    everyone: { join: ['chat:*'] },
    authorise: null,
    mustWait: () => false,
    userConnectionsMax: 2,
    userConnectionsClose: 'oldest',
    now: () => NOW,
    counters: { signInFailures },
    onFailure: (_, { reason }) => told.failures.push(reason),
    onOpen: (connection) => told.opened.push(connection),
    onRefreshed: (connection) => told.refreshed.push(connection),
    ...options,
  })
  let number = 0
  return {
    signIn,
    tokens,
    topics,
    connections,
    signInFailures,
    told,
    framesOf: outbox.framesOf,
    arrive(phase: 'verifying' | 'waiting' = 'verifying'): FakeConnection {
      number++
      const connection = fakeConnection({ number, user: null, phase })
      connections.add(connection)
      return connection
    },
  }
}

describe('a token that was revoked', () => {
  const revocations = (readable: boolean, revoked: boolean) => () => ({
    readable: () => readable,
    isRevoked: () => revoked,
  })

  test('closes 4001, so that its client gets another', async () => {
    const { signIn, tokens, arrive } = build({ revocations: revocations(true, true) })
    tokens.set('t', accepted('alice'))
    const connection = arrive()
    await signIn.withToken(connection, 't')
    expect(connection.peer.closed?.code).toBe(4001)
  })

  test('refreshes nothing', async () => {
    const state = { revoked: false }
    const { signIn, tokens, arrive } = build({
      revocations: () => ({ readable: () => true, isRevoked: () => state.revoked }),
    })
    tokens.set('t', accepted('alice'))
    const connection = arrive()
    await signIn.withToken(connection, 't')
    state.revoked = true
    expect(await signIn.byFrame(connection, 't')).toMatchObject({ ok: false, code: 'unauthorized' })
    expect(connection.peer.closed).toBeNull()
  })

  test('or of which that cannot be known, closes 1013', async () => {
    const { signIn, tokens, arrive } = build({ revocations: revocations(false, false) })
    tokens.set('t', accepted('alice'))
    const connection = arrive()
    await signIn.withToken(connection, 't')
    expect(connection.peer.closed?.code).toBe(1013)
  })
})

describe('signing in', () => {
  test('opens the connection, joins its user, and welcomes it', async () => {
    const built = build()
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'good')
    expect(connection).toMatchObject({ phase: 'open', user: 'alice', signedIn: true })
    expect(built.connections.unauthenticated).toBe(0)
    expect(built.topics.find(USER)?.members).toEqual([connection])
    expect(built.told.opened).toEqual([connection])
    expect(built.framesOf(connection)).toEqual([
      {
        type: 'welcome',
        version: 1,
        session: 'gw.1',
        user: 'alice',
        gateway: 'gw',
        time: NOW,
        heartbeatMs: DEFAULT_LIMITS.heartbeatMs,
        limits: { ...DEFAULT_LIMITS },
        features: ['presence', 'history', 'call', 'rooms', 'wildcard'],
      },
    ])
  })

  test('tells when the token ends', async () => {
    const built = build()
    built.tokens.set('ends', accepted('alice', { expiresAt: NOW + 5000 }))
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'ends')
    expect(built.framesOf(connection)).toMatchObject([{ type: 'welcome', expiresAt: NOW + 5000 }])
  })

  test.each<[AuthRefusal['reason'], number]>([
    ['unauthorized', 4001],
    ['expired', 4002],
    ['unavailable', 1013],
  ])('with a token that is %s closes with %i', async (reason, code) => {
    const built = build()
    built.tokens.set('bad', refused(reason))
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'bad')
    expect(connection.peer.closed?.code).toBe(code)
    expect(built.framesOf(connection)).toEqual([])
    expect(built.signInFailures.get(reason)).toBe(1)
    expect(built.told.failures).toEqual([reason])
    expect(built.connections.unauthenticated).toBe(1)
    expect(built.topics.find(USER)).toBeUndefined()
  })

  test('while NATS is away closes with 1013, and leaves nothing behind', async () => {
    const built = build({ confirms: false })
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'good')
    expect(connection.peer.closed?.code).toBe(1013)
    expect(connection.signedIn).toBe(false)
    expect(built.topics.count('user')).toBe(0)
  })

  test('of a connection that was closed meanwhile does nothing', async () => {
    const built = build()
    let answer: (result: AuthResult) => void = () => undefined
    built.tokens.set(
      'slow',
      new Promise((resolve) => {
        answer = resolve
      }),
    )
    const connection = built.arrive()
    const done = built.signIn.withToken(connection, 'slow')
    connection.phase = 'closed'
    answer(accepted())
    await done
    expect(connection).toMatchObject({ principal: null, signedIn: false, topics: [] })
    expect(built.topics.count('user')).toBe(0)
  })

  test('of a connection that was closed while NATS confirmed does nothing', async () => {
    const built = build()
    const connection = built.arrive()
    const done = built.signIn.withToken(connection, 'good')
    await Promise.resolve()
    await Promise.resolve()
    built.topics.leaveAll(connection)
    connection.phase = 'closing'
    await done
    expect(connection.signedIn).toBe(false)
    expect(built.framesOf(connection)).toEqual([])
    expect(built.topics.count('user')).toBe(0)
  })

  test('anonymously gives a name of its own and the grants of everyone', async () => {
    const built = build()
    const connection = built.arrive()
    await built.signIn.anonymously(connection)
    expect(connection.principal).toMatchObject({ user: '~gw.1', grants: { join: ['chat:*'] }, expiresAt: null })
    expect(built.framesOf(connection)).toMatchObject([{ type: 'welcome', user: '~gw.1' }])
  })

  test('by a frame welcomes and then answers', async () => {
    const built = build()
    built.tokens.set('ends', accepted('alice', { expiresAt: NOW + 1 }))
    const connection = built.arrive('waiting')
    expect(await built.signIn.byFrame(connection, 'ends')).toEqual({ ok: true, fields: { expiresAt: NOW + 1 } })
    expect(built.framesOf(connection)).toMatchObject([{ type: 'welcome' }])
  })

  test('by a frame with a bad token closes', async () => {
    const built = build()
    const connection = built.arrive('waiting')
    expect(await built.signIn.byFrame(connection, 'bad')).toMatchObject({ ok: false, code: 'unauthorized' })
    expect(connection.peer.closed?.code).toBe(4001)
  })
})

test('a user who was closed for the rate a moment ago is closed so again, and not welcomed', async () => {
  const built = build({ mustWait: (user) => user === 'alice' })
  const connection = built.arrive()
  await built.signIn.withToken(connection, 'good')
  expect(connection.peer.closed?.code).toBe(4029)
  expect(connection.peer.paused).toBe(true)
  await vi.waitFor(() => expect(connection.peer.closed?.code).toBe(1006))
  expect(built.framesOf(connection)).toEqual([])
  expect(built.told.opened).toEqual([])
})

describe('a user with too many connections', () => {
  async function three(close: 'oldest' | 'newest') {
    const built = build({ userConnectionsClose: close })
    const connections = [built.arrive(), built.arrive(), built.arrive()]
    for (const connection of connections) await built.signIn.withToken(connection, 'good')
    return { built, connections, codes: connections.map(({ peer }) => peer.closed?.code ?? null) }
  }

  test('loses the oldest one', async () => {
    const { built, connections, codes } = await three('oldest')
    expect(codes).toEqual([4030, null, null])
    expect(built.framesOf(connections[2] as FakeConnection)).toMatchObject([{ type: 'welcome' }])
    expect(built.topics.find(USER)?.members).toHaveLength(2)
  })

  test('keeps those it has where the newest is closed, which is not welcomed', async () => {
    const { built, connections, codes } = await three('newest')
    expect(codes).toEqual([null, null, 4030])
    expect(built.framesOf(connections[2] as FakeConnection)).toEqual([])
    expect(built.topics.find(USER)?.members).toHaveLength(2)
  })

  test.each([
    ['oldest', 'first', [4030, 4030, 4030, 4030, null, null]],
    ['oldest', 'last', [4030, 4030, 4030, 4030, null, null]],
    ['newest', 'first', [null, null, 4030, 4030, 4030, 4030]],
    ['newest', 'last', [4030, 4030, 4030, 4030, null, null]],
  ] as const)(
    'is never left with more when six sign in at once (the %s is closed, the oldest comes %s)',
    async (close, come, expected) => {
      const built = build({ userConnectionsClose: close })
      const connections = Array.from({ length: 6 }, () => built.arrive())
      const coming = come === 'first' ? connections : connections.toReversed()
      await Promise.all(coming.map((connection) => built.signIn.withToken(connection, 'good')))
      expect(connections.map(({ peer }) => peer.closed?.code ?? null)).toEqual(expected)
      const staying = connections.filter(({ phase }) => phase === 'open')
      expect(new Set(built.topics.find(USER)?.members)).toEqual(new Set(staying))
      for (const connection of staying) expect(built.framesOf(connection)).toMatchObject([{ type: 'welcome' }])
    },
  )

  test('takes nothing from another user', async () => {
    const built = build()
    built.tokens.set('bob', accepted('bob'))
    const connections = [built.arrive(), built.arrive(), built.arrive()]
    for (const [at, token] of ['good', 'good', 'bob'].entries())
      await built.signIn.withToken(connections[at] as FakeConnection, token)
    expect(connections.map(({ peer }) => peer.closed)).toEqual([null, null, null])
  })
})

describe('a refresh', () => {
  async function open() {
    const built = build()
    built.tokens.set('first', accepted('alice', { expiresAt: NOW + 1000 }))
    const connection = built.arrive('waiting')
    await built.signIn.byFrame(connection, 'first')
    return { built, connection }
  }

  test('of the same user moves the end and takes the new grants', async () => {
    const { built, connection } = await open()
    built.tokens.set('next', accepted('alice', { expiresAt: NOW + 9000, grants: { send: ['*'] } }))
    expect(await built.signIn.byFrame(connection, 'next')).toEqual({ ok: true, fields: { expiresAt: NOW + 9000 } })
    expect(connection.principal).toMatchObject({ expiresAt: NOW + 9000, grants: { send: ['*'] } })
    expect(built.told.refreshed).toEqual([connection])
    expect(built.framesOf(connection)).toHaveLength(1)
  })

  test.each<[string, AuthResult, string]>([
    ['another user', accepted('bob'), 'unauthorized'],
    ['an expired token', refused('expired'), 'unauthorized'],
    ['a bad token', refused('unauthorized'), 'unauthorized'],
    ['keys that cannot be reached', refused('unavailable'), 'unavailable'],
  ])('with %s is refused, and the connection stays as it was (case 56)', async (_, result, code) => {
    const { built, connection } = await open()
    built.tokens.set('next', result)
    expect(await built.signIn.byFrame(connection, 'next')).toMatchObject({ ok: false, code })
    expect(connection).toMatchObject({ phase: 'open', user: 'alice', principal: { expiresAt: NOW + 1000 } })
    expect(connection.peer.closed).toBe(null)
    expect(built.told.refreshed).toEqual([])
  })

  test('that ends after the connection was closed changes nothing', async () => {
    const { built, connection } = await open()
    built.tokens.set('next', accepted('alice', { expiresAt: NOW + 9000 }))
    const answer = built.signIn.byFrame(connection, 'next')
    connection.phase = 'closing'
    expect(await answer).toMatchObject({ ok: false })
    expect(connection.principal).toMatchObject({ expiresAt: NOW + 1000 })
  })
})

describe('where a service decides who may connect', () => {
  test('nobody is welcomed before its answer', async () => {
    let allow: (answer: null) => void = () => undefined
    const built = build({ authorise: () => new Promise((resolve) => (allow = resolve)) })
    const connection = built.arrive()
    const signing = built.signIn.withToken(connection, 'good')
    await new Promise(setImmediate)
    expect([connection.phase, connection.principal]).toEqual(['verifying', null])
    allow(null)
    await signing
    expect(built.framesOf(connection)).toMatchObject([{ type: 'welcome' }])
  })

  test.each([
    ['forbidden', 4003],
    ['no_service', 1013],
    ['timeout', 1013],
    ['service_error', 1013],
    ['unavailable', 1013],
  ] as const)('%s closes with %d, anonymous or not', async (code, close) => {
    const built = build({ authorise: async () => refusal(code, 'why') })
    const [known, anonymous] = [built.arrive(), built.arrive()]
    await built.signIn.withToken(known, 'good')
    await built.signIn.anonymously(anonymous)
    expect([known.peer.closed?.code, anonymous.peer.closed?.code]).toEqual([close, close])
    expect([built.topics.find(USER), built.told.opened]).toEqual([undefined, []])
  })

  test('a close meanwhile opens nothing', async () => {
    const built = build({
      authorise: async (connection) => {
        connection.phase = 'closed'
        return null
      },
    })
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'good')
    expect([connection.principal, built.topics.find(USER), built.told.opened]).toEqual([null, undefined, []])
  })

  test('a refresh that it refuses changes nothing', async () => {
    const answers = [null, refusal('forbidden', 'no more')]
    const built = build({ authorise: async () => answers.shift() ?? null })
    const connection = built.arrive()
    await built.signIn.withToken(connection, 'good')
    built.tokens.set('next', accepted('alice', { expiresAt: NOW + 1 }))
    const before = connection.principal
    expect(await built.signIn.byFrame(connection, 'next')).toMatchObject({ code: 'forbidden', message: 'no more' })
    expect(connection.principal).toBe(before)
    expect(await built.signIn.byFrame(connection, 'next')).toMatchObject({ ok: true })
  })
})
