// Chapter 3 up to the sign-in: upgrades, subprotocols, refusals, and where a token is looked for.
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like, NotRun } from '../expectation.ts'
import { SUBPROTOCOLS } from '../frame-codec.ts'
import type { TokenWay } from '../peer.ts'
import { forged } from '../tokens.ts'

const WAYS: readonly TokenWay[] = ['header', 'subprotocol', 'query', 'frame']
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

async function selection(bench: Bench): Promise<void> {
  const other = bench.encoding === 'json' ? SUBPROTOCOLS.msgpack : SUBPROTOCOLS.json
  const subprotocols = ['graphql-ws', SUBPROTOCOLS[bench.encoding], other]
  const peer = await bench.open({ subprotocols, token: await bench.token(bench.name('user')) })
  equal('the selected subprotocol', peer.socket.protocol, SUBPROTOCOLS[bench.encoding])
  await peer.welcome()
}

async function noSubprotocol(bench: Bench): Promise<void> {
  const token = await bench.token(bench.name('user'))
  const peer = await bench.open({ encoding: 'json', subprotocols: [], token })
  equal('the selected subprotocol', peer.socket.protocol, '')
  await peer.welcome()
}

async function refusals(bench: Bench): Promise<void> {
  const { status: unknown } = await bench.http(undefined, { ...HANDSHAKE, 'sec-websocket-protocol': 'sluice.v99.json' })
  equal('the status where no offered subprotocol is spoken', unknown, 400)
  const bearer = `bearer.${await bench.token(bench.name('user'))}`
  const { status: alone } = await bench.http(undefined, { ...HANDSHAKE, 'sec-websocket-protocol': bearer })
  equal('the status where only a token is offered', alone, 400)
  const path = `${new URL(bench.url(0)).pathname}-no-such-path`
  equal('the status of another path', (await bench.http(path, HANDSHAKE)).status, 404)
  equal('the status without an upgrade', (await bench.http(undefined)).status, 426)
}

async function origins(bench: Bench): Promise<void> {
  const { status } = await bench.http(undefined, { ...HANDSHAKE, origin: 'https://conformance.invalid' })
  equal('the status of an origin that is not allowed', status, 403)
  const headers = { origin: bench.target.origin ?? '' }
  const allowed = await bench.open({ token: await bench.token(bench.name('user')), headers })
  await allowed.welcome()
}

async function badTokens(bench: Bench): Promise<void> {
  const user = bench.name('user')
  for (const by of WAYS.filter((way) => way !== 'frame' || !bench.offer.anonymous)) {
    const bad = await bench.open({ token: forged(await bench.token(user)), by })
    await bad.closedWith(4001)
    const expired = await bench.open({ token: await bench.token(user, { ttlSeconds: -3600 }), by })
    await expired.closedWith(4002)
    const welcomed = [bad, expired].some(({ frames }) => frames.some(({ type }) => type === 'welcome'))
    holds(!welcomed, 'no `welcome` for a token that is refused', by)
  }
}

async function ways(bench: Bench): Promise<void> {
  for (const by of WAYS.filter((way) => way !== 'frame' || !bench.offer.anonymous)) {
    const user = bench.name(by)
    const peer = await bench.open({ token: await bench.token(user), by })
    like(`a \`welcome\` for a token by ${by}`, await peer.welcome(), { user })
    equal('the selected subprotocol', peer.socket.protocol, SUBPROTOCOLS[bench.encoding])
  }
}

async function order(bench: Bench): Promise<void> {
  const [header, entry, query] = [bench.name('header'), bench.name('entry'), bench.name('query')]
  const headers = { authorization: `Bearer ${await bench.token(header)}` }
  const subprotocols = [SUBPROTOCOLS[bench.encoding], `bearer.${await bench.token(entry)}`]
  const token = await bench.token(query)
  const three = await bench.open({ token, headers, subprotocols })
  like('a `welcome` by the header', await three.welcome(), { user: header })
  const two = await bench.open({ token, subprotocols })
  like('a `welcome` by the subprotocol', await two.welcome(), { user: entry })
  // The first one found counts, good or not.
  const bad = { authorization: `Bearer ${forged(await bench.token(header))}` }
  await (await bench.open({ token, headers: bad })).closedWith(4001)
}

async function unsigned(bench: Bench): Promise<void> {
  const peer = await bench.open()
  await peer.refused({ type: 'join', room: bench.room() }, 'unauthorized')
  await peer.refused({ type: 'ping' }, 'unauthorized')
  const user = bench.name('late')
  const answer = await peer.ok({ type: 'auth', token: await bench.token(user) })
  const order = peer.frames.map(({ type }) => type).filter((type) => ['welcome', 'ok'].includes(type))
  equal('frames after `auth`', order.slice(0, 2), ['welcome', 'ok'])
  like('the `ok` of `auth`', answer, { expiresAt: (await peer.welcome()).expiresAt })
}

async function deadline(bench: Bench): Promise<void> {
  const { signInMs, answerMs } = bench.target
  const peer = await bench.open()
  const since = performance.now()
  await peer.closedWith(4001, signInMs + answerMs)
  const after = performance.now() - since
  holds(after > signInMs * 0.8, `a socket to have ${signInMs} ms to sign in`, `a close after ${Math.round(after)} ms`)
}

async function anonymous(bench: Bench): Promise<void> {
  const peer = await bench.open()
  const { user, session } = await peer.welcome()
  equal('the user', user, `~${String(session)}`)
  await peer.join(bench.room())
  await peer.ok({ type: 'publish', room: bench.room(), data: 1 })
  const room = `${bench.namespace('granted')}:${bench.name('desk')}`
  await peer.refused({ type: 'join', room }, 'forbidden')
}

async function firstFrame(bench: Bench): Promise<void> {
  const { limits, features, ...welcome } = await (
    await bench.open({ token: await bench.token(bench.name('user')) })
  ).welcome()
  like('the `welcome`', welcome, { type: 'welcome', version: 1 })
  holds(typeof limits === 'object' && Array.isArray(features), '`limits` and `features`', { limits, features })
  const violation = bench.observations.of('3.8')[0]
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
}

async function fromWelcomeOn(bench: Bench): Promise<void> {
  const peer = await bench.user({ grants: { send: ['*'] } })
  await peer.ok({ type: 'send', user: peer.user, data: 'at once' })
  like('a message to the user', await peer.message(), { user: peer.user, data: 'at once' })
}

async function localMode(bench: Bench): Promise<void> {
  const { status } = await bench.http('/echo', HANDSHAKE)
  if (status !== 101) throw new NotRun('the server is not in local mode')
  const peer = await bench.open({ encoding: 'json', subprotocols: [], path: '/' })
  await peer.welcome()
  const echo = await bench.open({ encoding: 'json', subprotocols: [], path: '/echo' })
  const answer = new Promise<string>((resolve) => {
    echo.socket.once('message', (message) => resolve(message.toString()))
  })
  echo.socket.send('hello')
  equal('the answer of /echo', await answer, 'Echo: hello')
}

/** Checks of chapter 3 up to the sign-in. */
export const CONNECTING_CHECKS: readonly Check[] = [
  { clauses: ['3.1'], name: 'the first subprotocol that is spoken is selected', run: selection },
  { clauses: ['3.1', '4.1'], name: 'without a subprotocol it is JSON', encodings: 'once', run: noSubprotocol },
  { clauses: ['3.2'], name: 'upgrades are refused by status', encodings: 'once', run: refusals },
  { clauses: ['3.2'], name: 'origins are held against a list', encodings: 'once', needs: ['origin'], run: origins },
  { clauses: ['3.3'], name: 'bad and expired tokens close', encodings: 'once', run: badTokens },
  { clauses: ['3.4', '2.6'], name: 'a token may come in four ways', run: ways },
  { clauses: ['3.4'], name: 'the first token found counts', encodings: 'once', run: order },
  { clauses: ['3.4'], name: 'before the sign-in all is `unauthorized`', needs: ['sign-in'], run: unsigned },
  {
    clauses: ['3.4'],
    name: 'a socket that does not sign in is closed',
    needs: ['sign-in'],
    encodings: 'once',
    slow: true,
    run: deadline,
  },
  {
    clauses: ['3.7', '2.6'],
    name: 'who has no token is let in anonymously',
    needs: ['anonymous'],
    namespaces: ['granted'],
    run: anonymous,
  },
  { clauses: ['3.8', '4.4'], name: '`welcome` comes first', last: true, run: firstFrame },
  { clauses: ['3.8', '6.6'], name: 'messages to the user arrive from `welcome` on', run: fromWelcomeOn },
  { clauses: ['3.10'], name: 'local mode serves `/` and `/echo`', encodings: 'once', run: localMode },
]
