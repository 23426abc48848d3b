// Begins to hear control on the connection of leases and control, as soon as there is one: routers exist where something has presence or
// a history, and whichever of the two a gateway has, it does what they say.
import { coveringSubject, createSubjects } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { SideLinks } from '../backplane/side-links.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Core } from '../session/core.ts'
import { createActs } from './acts.ts'
import { listenToControl } from './control.ts'
import { followRevocations, type Revocations } from './follow-revocations.ts'
import { createMove } from './move.ts'

/** See {@link startControl}. */
export interface StartControlOptions {
  readonly core: Pick<Core, 'gateway' | 'connections' | 'wire' | 'placing' | 'topics'>
  readonly links: SideLinks
  readonly prefix: string
  readonly clock: Clock
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** Begins to listen; what was revoked is asked whenever a token signs in. */
export function startControl(options: StartControlOptions): Revocations {
  const { core, links, prefix, clock, log, counters } = options
  const { gateway, connections, wire } = core
  const revocations = followRevocations({
    ...options,
    onOverdue: (isRevoked) => {
      for (const connection of connections.snapshot()) {
        const { principal, phase } = connection
        if (phase === 'open' && principal !== null && isRevoked(principal)) wire.close(connection, 4005, REVOKED)
      }
    },
  })
  listenToControl({
    nats: links.control,
    subjects: createSubjects(prefix),
    gateway,
    close: (number, code, reason) => {
      const connection = connections.get(number)
      if (connection === undefined || connection.phase !== 'open') return false
      wire.close(connection, code, reason)
      return true
    },
    move: createMove({ connections, wire, nowMs: clock.monotonicMs }),
    acts: createActs({ ...core, revocations }),
    // A wildcard tells of its own members.
    follows: (subject) =>
      [subject, coveringSubject(subject)].filter((one) => core.topics.find(one)?.members.length).length,
    nowMs: clock.monotonicMs,
    onFault: (err, verb) => log.error({ err, verb }, 'fault while doing what a router said'),
    counters,
  })
  return revocations
}

const REVOKED = 'token revoked'
