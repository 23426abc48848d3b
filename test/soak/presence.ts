// Presence: everyone watches one room, half of them leave and come back, again and again, and everyone must see who is there. The view of
// rooms with more than 1000 members is a sample [P-15.7]: there the count alone is judged.
import { check } from 'k6'
import { vu } from 'k6/execution'
import type { Options } from 'k6/options'
import { type Connection, connect, type Frame } from './client/connection.ts'
import { delivered, done, everyoneDone, presenceMs, presenceWrong } from './client/judged.ts'
import { createView, type View } from './client/presence-view.ts'
import { beginRun, connectsAfterMs, RAMP_MS, REST_MS, type Run, settings, written } from './client/settings.ts'
import { pause, pauseUntil } from './client/waiting.ts'

/** Half a round is away, half a round is there. */
const ROUNDS = Math.max(1, Math.floor(settings.durationMs / 10_000))
const ROUND_MS = settings.durationMs / ROUNDS
/** A join or leave is seen within a second; a busy cluster may take longer, and then that is what is measured. */
const SEEN_MS = 10_000
const POLL_MS = 20

/** What k6 runs, and what must hold. */
export const options: Options = {
  scenarios: {
    presence: {
      executor: 'per-vu-iterations',
      exec: 'presence',
      vus: settings.vus,
      iterations: 1,
      maxDuration: written(RAMP_MS + settings.durationMs + ROUNDS * SEEN_MS + REST_MS),
    },
  },
  thresholds: {
    sluice_errors: ['count==0'],
    sluice_closes: ['count==0'],
    // Who is there is a set: it is right, or it is wrong.
    sluice_presence_wrong: ['count==0'],
    checks: ['rate==1'],
    // A list of members that lags by more than two seconds is noticed by who looks at it.
    sluice_presence_ms: ['p(95)<2000'],
    ...everyoneDone(settings.vus),
  },
}

/** Called once by k6. */
export const setup: () => Run = beginRun

/** One user. Those with an even number stay, the others come and go. */
export async function presence(run: Run): Promise<void> {
  const number = vu.idInTest
  const room = `${settings.namespace}:presence-${run.id}`
  const view = createView()
  function onFrame(frame: Frame): void {
    if (frame.type === 'message') delivered.add(1)
    if (!view.take(frame)) presenceWrong.add(1)
  }
  await pause(connectsAfterMs(number))
  const connection = await connect(urlOf(number), userOf(run, number), { onFrame })
  if (connection === null) throw new Error('no connection')
  const join = () => connection.ask({ type: 'join', room, presence: true }, (ok) => view.take(ok))
  await join()
  await pauseUntil(run.startsAt)
  await sees(view, run, () => true, Date.now())
  const stays = (one: number): boolean => one % 2 === 0
  for (let round = 0; round < ROUNDS; round++) {
    const leavesAt = run.startsAt + ROUND_MS * (round + 1 / 3)
    const returnsAt = run.startsAt + ROUND_MS * (round + 2 / 3)
    await pauseUntil(leavesAt)
    if (stays(number)) await sees(view, run, stays, leavesAt)
    else await connection.ask({ type: 'leave', room }, () => view.clear())
    if (stays(number)) await asks(connection, room, run, stays)
    await pauseUntil(returnsAt)
    if (!stays(number)) await join()
    await sees(view, run, () => true, returnsAt)
  }
  await pauseUntil(run.endsAt)
  connection.close()
  await connection.closed
  done.add(1)
}

/** Waits until the view shows exactly those. */
async function sees(view: View, run: Run, there: (number: number) => boolean, since: number): Promise<void> {
  const expected = usersOf(run, there)
  const endsAt = Date.now() + SEEN_MS
  while (!view.equals(expected) && Date.now() < endsAt) await pause(POLL_MS)
  if (check(view, { 'the members are those who are there': (seen) => seen.equals(expected) })) {
    presenceMs.add(Math.max(0, Date.now() - since))
  } else presenceWrong.add(1)
}

/** Asks from outside, as someone would who is not in the room. */
async function asks(connection: Connection, room: string, run: Run, there: (number: number) => boolean): Promise<void> {
  const view = createView()
  await connection.ask({ type: 'presence', room }, (ok) => view.take(ok))
  const expected = usersOf(run, there)
  if (!check(view, { 'an answer has the same members': (seen) => seen.equals(expected) })) presenceWrong.add(1)
}

function usersOf(run: Run, there: (number: number) => boolean): ReadonlySet<string> {
  const numbers = Array.from({ length: settings.vus }, (_, at) => at + 1)
  return new Set(numbers.filter(there).map((number) => userOf(run, number)))
}

function userOf(run: Run, number: number): string {
  return `presence-${run.id}-${number}`
}

function urlOf(number: number): string {
  return settings.urls[number % settings.urls.length] as string
}
