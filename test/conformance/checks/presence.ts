// Chapter 15: who is seen in a room, by whom, and when.
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like } from '../expectation.ts'
import type { Frame } from '../frame-codec.ts'
import type { Peer } from '../peer.ts'

interface Member {
  readonly user: string
  readonly info?: unknown
  readonly connections: number
}

/** Time in which the cluster knows of a join or a leave. */
const SEEN_MS = 8000
const watch = (room: string) => ({ type: 'join', room, presence: true })
const membersOf = ({ members }: Frame): readonly Member[] => (Array.isArray(members) ? (members as Member[]) : [])
const usersOf = (frame: Frame): string[] =>
  membersOf(frame)
    .map(({ user }) => user)
    .sort()

function event(type: 'joined' | 'left', user: string) {
  return (frame: Frame) => frame.type === type && (frame.member as Member).user === user
}

function eventsOf({ frames }: Peer, user: string): string[] {
  return frames.filter((frame) => event('joined', user)(frame) || event('left', user)(frame)).map(({ type }) => type)
}

function seen(watcher: Peer, type: 'joined' | 'left', user: string): Promise<Frame> {
  return watcher.next(event(type, user), `\`${type}\` of ${user}`, SEEN_MS)
}

async function off(bench: Bench): Promise<void> {
  const [room, peer] = [bench.room('open'), await bench.user()]
  await peer.refused(watch(room), 'not_enabled')
  await peer.refused({ type: 'presence', room }, 'not_enabled')
  await peer.join(room)
}

async function whoIsSeen(bench: Bench): Promise<void> {
  const [room, plain, hidden] = [bench.room(), bench.name('plain'), bench.name('hidden')]
  const secret = await bench.user({ name: hidden, grants: { hidden: true } })
  equal('members as a hidden user sees them', usersOf(await secret.ok(watch(room))), [])
  // One who does not ask to see is seen.
  await (await bench.user({ name: plain })).join(room)
  await seen(secret, 'joined', plain)
  const watcher = await bench.user()
  equal('members', usersOf(await watcher.ok(watch(room))), [plain, watcher.user].sort())
  await bench.quiet(watcher, 'sight of a hidden user', event('joined', hidden))
}

async function oneMember(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const grants = { info: { name: 'Ann', n: 1 } }
  const one = await bench.user({ name, grants })
  await one.join(room)
  await (await bench.user({ name, grants, at: 1 })).join(room)
  const watcher = await bench.user({ grants: { hidden: true } })
  like('the `ok`', await watcher.ok(watch(room)), { count: 1 })
  const member = { user: name, info: { name: 'Ann', n: 1 }, connections: 2 }
  await becomes('members', [member], async () => membersOf(await watcher.ok({ type: 'presence', room })))
  equal('events about them', eventsOf(watcher, name), [])
}

/** A plain join does not wait until the cluster knows of it, so a view may be asked for more than once. */
async function becomes(what: string, expected: unknown, ask: () => Promise<unknown>): Promise<void> {
  const endsAt = performance.now() + SEEN_MS
  for (;;) {
    const came = await ask()
    if (isDeepStrictEqual(came, expected) || performance.now() > endsAt) {
      equal(what, came, expected)
      return
    }
    await pause(200)
  }
}

async function watching(bench: Bench): Promise<void> {
  const [room, own] = [bench.room(), bench.name('own')]
  const watcher = await bench.user({ name: own })
  const answer = await watcher.ok(watch(room))
  like('the `ok`', answer, { count: 1 })
  equal('members, oneself included', membersOf(answer), [{ user: own, connections: 1 }])
  await bench.quiet(watcher, 'one’s own `joined`', event('joined', own), 1000)
}

async function comingAndGoing(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  const watcher = await bench.user()
  await watcher.ok(watch(room))
  const one = await (await bench.user({ name, at: 1 })).join(room)
  like('the `joined`', await seen(watcher, 'joined', name), { room, member: { user: name, connections: 1 } })
  // More connections are not told. This one watches, as only then its `ok` waits until the cluster knows of it.
  const two = await bench.user({ name })
  await two.ok(watch(room))
  await one.ok({ type: 'leave', room })
  await bench.quiet(watcher, '`left` while a connection is there', event('left', name), 1000)
  await two.ok({ type: 'leave', room })
  await seen(watcher, 'left', name)
  await one.join(room)
  await seen(watcher, 'joined', name)
  equal('events', eventsOf(watcher, name), ['joined', 'left', 'joined'])
  await watcher.ok({ type: 'leave', room })
  await two.join(room)
  await one.leave()
  await two.leave()
  await pause(1000)
  equal('events after the leave', eventsOf(watcher, name).slice(3), [])
}

async function asking(bench: Bench): Promise<void> {
  const [room, name] = [bench.room(), bench.name('ann')]
  await (await bench.user({ name, at: 1 })).ok(watch(room))
  const asker = await bench.user()
  const answer = await asker.ok({ type: 'presence', room })
  equal('members', membersOf(answer), [{ user: name, connections: 1 }])
  equal('the count', answer.count, 1)
  const empty = await asker.ok({ type: 'presence', room: bench.room() })
  like('an empty room', empty, { members: [], count: 0 })
  await bench.quiet(asker, 'frame of a room that was only asked about', (frame) => frame.room === room)
}

async function askingNeedsTheRight(bench: Bench): Promise<void> {
  const peer = await bench.user()
  const answer = await peer.request({ type: 'presence', room: bench.room('granted') })
  like('the answer', answer, { type: 'error', code: 'forbidden' })
}

async function cleanLeaves(bench: Bench): Promise<void> {
  const [room, watcher] = [bench.room(), await bench.user()]
  await watcher.ok(watch(room))
  const { lingerMs } = bench.target
  for (const code of [1000, undefined]) {
    const name = bench.name('ann')
    const peer = await (await bench.user({ name })).join(room)
    await seen(watcher, 'joined', name)
    const since = performance.now()
    if (code === undefined) peer.socket.close()
    else peer.socket.close(code)
    await seen(watcher, 'left', name)
    const after = performance.now() - since
    holds(after < Math.max(lingerMs * 0.8, 1000), 'a clean close to be seen at once', `${Math.round(after)} ms`)
  }
}

async function lingering(bench: Bench): Promise<void> {
  const { lingerMs } = bench.target
  const [room, back, gone] = [bench.room(), bench.name('back'), bench.name('gone')]
  const watcher = await bench.user()
  await watcher.ok(watch(room))
  const peers = [await bench.user({ name: back }), await bench.user({ name: gone })]
  for (const peer of peers) await peer.join(room)
  await seen(watcher, 'joined', back)
  await seen(watcher, 'joined', gone)
  const since = performance.now()
  for (const peer of peers) peer.socket.terminate()
  await (await bench.user({ name: back, at: 1 })).join(room)
  await watcher.next(event('left', gone), `\`left\` of ${gone}`, lingerMs + SEEN_MS)
  const after = performance.now() - since
  holds(after > lingerMs * 0.8, `a broken connection to be shown for ${lingerMs} ms`, `${Math.round(after)} ms`)
  await pause(500)
  equal('events about one who came back', eventsOf(watcher, back), ['joined'])
}

async function wholeView(bench: Bench): Promise<void> {
  const violation = bench.observations.of('4.4').find(({ expected }) => /members|joined|left/.test(expected))
  if (violation !== undefined) throw new Broken(violation.expected, violation.came)
  const [room, name] = [bench.room(), bench.name('ann')]
  const watcher = await bench.user()
  await watcher.ok(watch(room))
  await (await bench.user({ name })).join(room)
  // Told by `joined`, or by the whole view.
  const whole = (frame: Frame) => frame.type === 'members' && frame.room === room && usersOf(frame).includes(name)
  const fits = (frame: Frame) => whole(frame) || event('joined', name)(frame)
  const frame = await watcher.next(fits, `sight of ${name}`, SEEN_MS)
  if (frame.type === 'members') equal('the number of members', membersOf(frame).length, frame.count)
}

const features = ['presence']

/** Checks of chapter 15. */
export const PRESENCE_CHECKS: readonly Check[] = [
  { clauses: ['15.1'], name: 'presence may be off', features, namespaces: ['open'], run: off },
  { clauses: ['15.2'], name: 'everyone is seen who is not hidden', features, run: whoIsSeen },
  { clauses: ['15.3'], name: 'a user is one member', features, run: oneMember },
  { clauses: ['15.4', '4.3'], name: 'a watcher is told who is there', features, run: watching },
  { clauses: ['15.5'], name: 'a watcher is told who comes and who leaves', features, run: comingAndGoing },
  { clauses: ['15.6'], name: 'a view is told by events or whole', features, last: true, run: wholeView },
  { clauses: ['15.8'], name: 'who is there can be asked without joining', features, run: asking },
  {
    clauses: ['15.8'],
    name: 'to ask needs the right to join',
    features,
    namespaces: ['granted'],
    run: askingNeedsTheRight,
  },
  { clauses: ['15.9'], name: 'a clean leave is seen at once', features, run: cleanLeaves },
  { clauses: ['15.9'], name: 'a broken connection lingers', features, slow: true, run: lingering },
]
