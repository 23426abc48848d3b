// Chapter 3 from the token on: claims, grants, patterns, refreshing and the end of a token.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { equal, holds, like } from '../expectation.ts'
import { forged } from '../tokens.ts'

async function claims(bench: Bench): Promise<void> {
  const number = await bench.open({ token: bench.claims({ sub: 4_200_000_001 }) })
  like('a `welcome` for a number', await number.welcome(), { user: '4200000001' })
  const open = await bench.open({ token: bench.claims({ sub: bench.name('x'), sluice: { later: [1], join: [] } }) })
  await open.welcome()
  const wrong: readonly [string, object][] = [
    ['no user', {}],
    ['an empty user', { sub: '' }],
    ['an anonymous user', { sub: '~gateway.1' }],
    ['a user with *', { sub: 'a*' }],
    ['a user that is no integer', { sub: 1.5 }],
    ['a user that is no text', { sub: ['a'] }],
    ['a user that is too long', { sub: 'x'.repeat(bench.limit('nameBytesMax') + 1) }],
    ['no expiry', { sub: 'a', exp: undefined }],
    ['grants that are none', { sub: 'a', sluice: { join: 'all' } }],
    ['calls that are no list', { sub: 'a', sluice: { call: 7 } }],
    ['rooms that are no list', { sub: 'a', sluice: { rooms: { a: 1 } } }],
  ]
  for (const [what, content] of wrong) {
    const peer = await bench.open({ token: bench.claims(content as Record<string, unknown>) })
    equal(`the close for ${what}`, (await peer.closed(undefined, `a close for ${what}`)).code, 4001)
  }
}

async function patterns(bench: Bench): Promise<void> {
  const namespace = bench.namespace('granted')
  const desk = bench.name('desk')
  const join = async (grants: readonly string[], room: string, code: string | null, name?: string): Promise<void> => {
    await using peer = await bench.user({ grants: { join: grants }, ...(name === undefined ? {} : { name }) })
    if (code === null) await peer.ok({ type: 'join', room })
    else await peer.refused({ type: 'join', room }, code)
  }
  await join([`${namespace}:${desk}`], `${namespace}:${desk}`, null)
  await join([`${namespace}:${desk}`], `${namespace}:${desk}-other`, 'forbidden')
  await join([`${namespace}:*`], `${namespace}:${desk}`, null)
  await join(['*', 'default:*', `${namespace}:`], `${namespace}:${desk}`, 'forbidden')
  const user = bench.name('a:b $& {user}')
  await join([`${namespace}:{user}`], `${namespace}:${user}`, null, user)
  await join([`${namespace}:{user}`], `${namespace}:${desk}`, 'forbidden', user)
  // A name can neither become a wildcard nor move its pattern to another namespace.
  await join(['{user}'], `${namespace}:${desk}`, 'forbidden', `${namespace}:${desk}`)
}

async function sendPatterns(bench: Bench): Promise<void> {
  const [name, other] = [bench.name('ann'), bench.name('ben')]
  const peer = await bench.user({ name, grants: { send: ['{user}', other] } })
  await peer.ok({ type: 'send', user: name, data: 1 })
  await peer.ok({ type: 'send', user: other, data: 1 })
  await peer.refused({ type: 'send', user: `${other}-2`, data: 1 }, 'forbidden')
}

async function refresh(bench: Bench): Promise<void> {
  const [name, room] = [bench.name('ann'), `${bench.namespace('granted')}:${bench.name('desk')}`]
  const grants = { join: [room], publish: [room] }
  const peer = await bench.user({ name, grants, ttlSeconds: 300 })
  const first = Number(peer.told.expiresAt)
  await peer.join(room)
  const answer = await peer.ok({ type: 'auth', token: await bench.token(name, { ttlSeconds: 900 }) })
  holds(Number(answer.expiresAt) > first, 'a later `expiresAt` in the `ok`', answer.expiresAt)
  await peer.refused({ type: 'publish', room, data: 1 }, 'forbidden')
  const publisher = await bench.user({ grants })
  await publisher.ok({ type: 'publish', room, data: 'still' })
  like('a message of the room that stayed joined', await peer.message(room), { data: 'still' })
  equal('the number of `welcome`', peer.frames.filter(({ type }) => type === 'welcome').length, 1)
}

async function badRefresh(bench: Bench): Promise<void> {
  const name = bench.name('ann')
  const room = `${bench.namespace('granted')}:${bench.name('desk')}`
  const peer = await bench.user({ name, grants: { join: [room] } })
  const tokens = [
    await bench.token(bench.name('ben')),
    forged(await bench.token(name)),
    await bench.token(name, { ttlSeconds: -3600 }),
    'nonsense',
  ]
  for (const token of tokens) await peer.refused({ type: 'auth', token }, 'unauthorized')
  await peer.join(room)
}

async function expiry(bench: Bench): Promise<void> {
  const { toleranceMs, answerMs } = bench.target
  const peer = await bench.user({ ttlSeconds: 3 })
  await peer.closedWith(4002, 3000 + toleranceMs + answerMs)
  const expiresAt = Number(peer.told.expiresAt)
  holds(Date.now() >= expiresAt - 1000, 'no close before the token has expired', Date.now() - expiresAt)
}

/** Checks of chapter 3 from the token on. */
export const SIGN_IN_CHECKS: readonly Check[] = [
  { clauses: ['3.5'], name: 'claims name a user', needs: ['secret'], encodings: 'once', run: claims },
  { clauses: ['3.6', '6.1'], name: 'room patterns are exact or `ns:*`', namespaces: ['granted'], run: patterns },
  { clauses: ['3.6', '7.2'], name: 'patterns of users may hold `{user}`', run: sendPatterns },
  { clauses: ['3.9'], name: 'a refresh replaces expiry and grants', namespaces: ['granted'], run: refresh },
  { clauses: ['3.9'], name: 'a refused refresh changes nothing', namespaces: ['granted'], run: badRefresh },
  { clauses: ['3.9'], name: 'the end of a token closes', encodings: 'once', slow: true, run: expiry },
]
