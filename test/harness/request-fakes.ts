// Requests over fakes, for the tests of their handling: their work, their rates and their time are the test's.
import type { ClientFrameWithPayload, ServerFrame } from '@sluice/proto'
import { Tally } from '@sluice/service/metrics/tally'
import type { Rights } from '../../gateway/src/rights/rights.ts'
import { type Answer, ok, refusal } from '../../gateway/src/session/answer.ts'
import type { BucketRate } from '../../gateway/src/session/rate-limit.ts'
import { createRequests, type Prepare } from '../../gateway/src/session/requests.ts'
import { type FakeConnection, type FakeConnectionOptions, fakeConnection, recordedWire } from './session-fakes.ts'

/** Every rate, unless a test says otherwise. */
export const RATE = { perSecond: 1, burst: 5 }

/** The work of a request. */
export type Start = () => Answer | Promise<Answer>

/** What differs from requests of alice that all succeed. */
export interface FakeRequestsOptions extends FakeConnectionOptions {
  readonly authenticate?: () => Promise<Answer>
  /** Default {@link RATE}. */
  readonly publishRate?: BucketRate
  readonly requestRate?: BucketRate
}

/** Requests whose work is what the test says: each takes the next of `starts`, or is `ok`. Of one room they share a lane. */
export function fakeRequests(options: FakeRequestsOptions = {}) {
  const { wire, outbox } = recordedWire()
  const starts: Start[] = []
  const faults: [string, unknown][] = []
  const answered: FakeConnection[] = []
  const rateClosed: FakeConnection[] = []
  const counters = { rateLimited: 0, publishFailures: new Tally() }
  let now = 0
  const prepare: Prepare = (_, frame) => ({
    key: 'room' in frame ? `${frame.room}` : 'other',
    exclusive: frame.type === 'join',
    start: starts.shift() ?? (() => ok()),
  })
  const requests = createRequests({
    wire,
    prepare,
    authenticate: options.authenticate ?? (async () => ok()),
    publishRate: options.publishRate ?? RATE,
    requestRate: options.requestRate ?? RATE,
    nowMs: () => now,
    counters,
    onFault: (error, type) => faults.push([type, error]),
    onRateClosed: (connection) => rateClosed.push(connection as FakeConnection),
    onAnswered: (connection) => answered.push(connection as FakeConnection),
  })
  const connection = fakeConnection(options)
  return {
    requests,
    connection,
    starts,
    faults,
    answered,
    rateClosed,
    counters,
    wait: (ms: number): void => {
      now += ms
    },
    handle: (frame: object): void => requests.handle(connection, frame as ClientFrameWithPayload),
    get sent(): ServerFrame[] {
      return outbox.framesOf(connection)
    },
  }
}

/** An answer that the test gives. */
export function later(): { start: Start; answer: (answer: Answer) => Promise<void> } {
  let resolve: (answer: Answer) => void = () => undefined
  const promise = new Promise<Answer>((settle) => {
    resolve = settle
  })
  return {
    start: () => promise,
    async answer(answer) {
      resolve(answer)
      await settled()
    },
  }
}

/** Rights of services that no test of the rest needs: nobody answers. */
export const NO_RIGHTS: Pick<Rights, 'ask' | 'mayRead' | 'hold' | 'drop' | 'publish' | 'withinBounds'> = {
  ask: async () => refusal('no_service', 'no service answers'),
  mayRead: async () => refusal('no_service', 'no service answers'),
  hold: () => undefined,
  drop: () => undefined,
  publish: async () => refusal('no_service', 'no service answers'),
  withinBounds: () => null,
}

/** All microtasks have run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
