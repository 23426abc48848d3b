// Asks gateways that have too many connections to move some, round by round, until all are near the mean: after a scale-out, as a
// WebSocket stays where it is for hours. Off by default. How many is plan.ts's, when is pace.ts's. One router does it, by the same
// rule that makes it the first owner of a shard; were two to believe so for a moment, both would ask within their bounds.
import {
  decodeControlAnswer,
  encodeControl,
  type GatewayId,
  type Instance,
  type Live,
  ownersOf,
  type Subjects,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { LiveRouter } from '../shards/ownership.ts'
import { freshPace, gainOf, type Pace, paceAfter, roundMax, windowMsOf } from './pace.ts'
import { type GatewayLoad, type PlannedMove, planMoves } from './plan.ts'

/** See {@link createRebalancer}. */
export interface RebalancerOptions {
  readonly settings: {
    readonly enabled: boolean
    readonly connectionsPerSecond: number
    readonly withinPercent: number
  }
  readonly nats: Pick<NatsPort, 'request'>
  readonly subjects: Subjects
  readonly loads: () => readonly GatewayLoad[]
  /** Whether this router is the one, and knows the present: without NATS it knows the past. */
  readonly leads: () => boolean
  readonly nowMs: () => number
  /** A round begins. */
  readonly onRound: (round: {
    readonly connections: number
    readonly gateways: number
    readonly windowMs: number
  }) => void
  /** All gateways are near the mean again. */
  readonly onBalanced: () => void
  readonly onFault: (error: Error) => void
  readonly counters: { readonly rebalanceMoves: { add(result: 'asked' | 'failed', by: number): void } }
}

/** Keeps gateways in balance. */
export interface Rebalancer {
  /** Looks whether a round is due. Called once a second. */
  tick(): void
  /** Connections above the mean when this router looked last; null where it does not look. */
  readonly excess: number | null
}

/** A gateway answers as soon as it has begun. */
const ANSWER_MS = 2000
const REASON = 'rebalance'

/** Makes it; nothing happens before the first tick. */
export function createRebalancer(options: RebalancerOptions): Rebalancer {
  const { settings, nats, subjects, loads, leads, nowMs, counters } = options
  let pace: Pace | null = null
  let fleet = ''
  let excess: number | null = null

  /** Whether the same gateways are up as before: a load balancer hears of a new one later than we do. */
  function settled(now: readonly GatewayLoad[]): boolean {
    const before = fleet
    fleet = now
      .map(({ gateway, state }) => `${gateway}.${state}`)
      .sort()
      .join()
    return fleet === before
  }

  async function ask({ gateway, connections }: PlannedMove, windowMs: number): Promise<void> {
    const control = encodeControl({ verb: 'move', connections, windowMs, reason: REASON })
    try {
      const reply = await nats.request(subjects.control(gateway), encoder.encode(control), { timeoutMs: ANSWER_MS })
      const answer = decodeControlAnswer(reply.data)
      if (answer === null || answer === 'newer' || answer.code !== undefined) {
        throw new Error(`the gateway answered ${Buffer.from(reply.data).toString().slice(0, 100)}`)
      }
      counters.rebalanceMoves.add('asked', answer.connections)
    } catch (error) {
      counters.rebalanceMoves.add('failed', connections)
      options.onFault(error as Error)
    }
  }

  function round(now: readonly GatewayLoad[], before: Pace): Pace {
    const { connectionsPerSecond, withinPercent } = settings
    const bounds = { withinPercent, connectionsMax: roundMax(connectionsPerSecond) }
    const found = planMoves(now, { ...bounds, gain: 1 })
    const plan = planMoves(now, { ...bounds, gain: gainOf(before, found.excess) })
    excess = plan.excess
    if (plan.moves.length === 0) {
      if (before.excess === null) return before
      options.onBalanced()
      return freshPace(nowMs())
    }
    const connections = plan.moves.reduce((sum, move) => sum + move.connections, 0)
    const windowMs = windowMsOf(connections, connectionsPerSecond)
    options.onRound({ connections, gateways: plan.moves.length, windowMs })
    for (const move of plan.moves) void ask(move, windowMs)
    return paceAfter(before, { excess: plan.excess, moved: connections, windowMs }, nowMs())
  }

  return {
    tick() {
      if (!settings.enabled || !leads()) {
        pace = null
        excess = null
        return
      }
      const now = loads()
      pace ??= freshPace(nowMs())
      if (!settled(now)) {
        const { notBeforeMs } = freshPace(nowMs())
        pace = { ...pace, notBeforeMs: Math.max(pace.notBeforeMs, notBeforeMs) }
      }
      if (nowMs() >= pace.notBeforeMs) pace = round(now, pace)
    },
    get excess() {
      return excess
    },
  }
}

/** The router that rebalances: the first owner of the first shard, of those that are up. */
export function leaderOf(routers: readonly LiveRouter[]): Instance | null {
  const up = routers.filter(({ state }) => state === 'up').map(({ instance }) => instance)
  return ownersOf('room', 0, up)[0] ?? null
}

/** What leases say of gateways: one lease for each process, the newest where it has taken another. */
export function loadsOf(leases: readonly Live[]): readonly GatewayLoad[] {
  const newest = new Map<string, Live>()
  for (const lease of leases) {
    const id = lease.value.gateway ?? lease.instance
    const known = newest.get(id)
    if (known === undefined || known.revision < lease.revision) newest.set(id, lease)
  }
  return Array.from(newest, ([id, { value }]) => ({
    // An instance has the form of a gateway's id: it stands for it where the lease names none.
    gateway: id as GatewayId,
    state: value.state,
    connections: value.connections ?? 0,
  }))
}

const encoder = new TextEncoder()
