// Says something to gateways and gathers what they answer, for a bounded time: it ends when all that live have answered, and never waits
// for one that is known to be dead. Who lives and is silent is counted.
import {
  type Control,
  decodeControlAnswer,
  encodeControl,
  type GatewayId,
  type Live,
  type Subjects,
} from '@sluice/proto'
import type { NatsPort } from '@sluice/service/jetstream/port'

/** See {@link askGateways}. */
export interface AskOptions {
  readonly nats: Pick<NatsPort, 'publish' | 'subscribe' | 'inbox'>
  readonly subjects: Subjects
  /** Gateways with a lease that lives. */
  readonly gateways: () => readonly Live[]
}

/** What gateways have done. */
export interface Asked {
  readonly connections: number
  /** Gateways with at least one of these connections. */
  readonly gateways: number
  /** Gateways that live and have not done it, or not in time. */
  readonly silent: number
  /** Nobody listens: there is no such gateway. */
  readonly nobody: boolean
  /** The connections of each. */
  readonly of: ReadonlyMap<GatewayId, number>
}

/** A gateway answers from memory, or after some milliseconds of JetStream; one that takes longer counts as silent. */
export const ASK_WAIT_MS = 2000
/** Where no lease tells how many gateways there are. */
export const ASK_UNKNOWN_MS = 500

const NO_RESPONDERS = 503
const encoder = new TextEncoder()

/**
 * Says it.
 *
 * @param gateway - the one that is meant; null for all
 * @returns null where NATS is away
 */
export function askGateways(control: Control, gateway: GatewayId | null, options: AskOptions): Promise<Asked | null> {
  const { nats, subjects } = options
  const expected = new Set(gateway === null ? liveIds(options.gateways()) : [gateway])
  const answered = new Map<GatewayId, number>()
  let unnamed = 0
  let connections = 0
  let gateways = 0
  let failed = 0
  return new Promise((resolve) => {
    const inbox = nats.inbox()
    const timer = setTimeout(() => finish(false), expected.size === 0 ? ASK_UNKNOWN_MS : ASK_WAIT_MS)
    const subscription = nats.subscribe(inbox, ({ data, headers }) => {
      if (headers?.code === NO_RESPONDERS) return finish(true)
      const answer = decodeControlAnswer(data)
      if (answer === null || answer === 'newer') return
      const from = answer.gateway
      if (from === undefined) unnamed++
      else if (answered.has(from)) return
      else answered.set(from, answer.connections)
      if (answer.code !== undefined) failed++
      connections += answer.connections
      if (answer.connections > 0) gateways++
      if (expected.size > 0 && missing() === 0) finish(false)
    })

    function missing(): number {
      const unheard = [...expected].filter((id) => !answered.has(id)).length
      return Math.max(0, unheard - unnamed)
    }

    function finish(nobody: boolean): void {
      clearTimeout(timer)
      subscription.unsubscribe()
      resolve({ connections, gateways, silent: nobody ? 0 : missing() + failed, nobody, of: answered })
    }

    const subject = gateway === null ? subjects.controlAll() : subjects.control(gateway)
    if (nats.publish(subject, encoder.encode(encodeControl(control)), undefined, inbox)) return
    clearTimeout(timer)
    subscription.unsubscribe()
    resolve(null)
  })
}

function liveIds(leases: readonly Live[]): GatewayId[] {
  return leases.map(({ instance, value }) => value.gateway ?? (instance as GatewayId))
}
