// An installation with the rights of deploy/nats/accounts.conf and no others, and a tap on all that is published among its gateways.
import { eventually } from './eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from './gateway.ts'
import { type NatsWithAccounts, startNatsWithAccounts } from './nats-accounts.ts'
import type { RouterProcess } from './router.ts'
import { test as plain, Stage } from './stage.ts'

const anyone = { join: { who: 'anyone' }, publish: { who: 'anyone' } }

/** What they are configured with. */
export const RIGHTS_SETTINGS = {
  namespaces: {
    default: { ...anyone, presence: true },
    chat: { ...anyone, presence: true, wildcard: true, history: { messages: 1000, seconds: 3600 } },
    private: anyone,
    ask: { join: { who: 'service' }, publish: { who: 'service' } },
  },
  inbox: { history: { messages: 100, seconds: 3600 } },
}

/** Clients may send to and call everyone. */
const GRANTED = { settings: { auth: { ...DEFAULT_SETTINGS.auth, grants: { send: ['*'], call: ['*'] } } } }

/** Two routers and two gateways with the rights of deploy/nats. */
export interface Installation extends NatsWithAccounts {
  readonly routers: readonly RouterProcess[]
  readonly one: GatewayProcess
  readonly two: GatewayProcess
}

/** Tests of a file that share one installation; each uses rooms and users of its own. */
export const test = plain.extend(
  'sluice',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Installation> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const accounts = await startNatsWithAccounts(stage)
    const routers = [await accounts.router(RIGHTS_SETTINGS), await accounts.router(RIGHTS_SETTINGS)]
    const gateway = () => accounts.gateway(RIGHTS_SETTINGS, GRANTED)
    const [one, two] = await Promise.all([gateway(), gateway()])
    return { ...accounts, routers, one, two }
  },
)

/**
 * Where messages with this mark arrive among gateways while something is done. Nobody listens to everything beside that: whoever asks
 * nobody must hear so at once.
 */
export async function reached(
  { connect }: Pick<Installation, 'connect'>,
  mark: string,
  act: () => Promise<unknown>,
): Promise<string[]> {
  const operator = await connect('operator')
  const subjects: string[] = []
  let ended = false
  operator.subscribe('>', {
    callback: (_, message) => {
      if (message.string() === END) ended = true
      else if (message.string().includes(mark)) subjects.push(message.subject)
    },
  })
  await operator.flush()
  await act()
  operator.publish('sluice.room.private.end', END)
  await eventually(() => ended).toBe(true)
  await operator.close()
  return subjects
}

const END = '"the end of an act"'

/** Makes the consumer `audit` of the example, as an operator does. */
export async function makeAuditConsumer({ connect }: Pick<Installation, 'connect'>): Promise<void> {
  const operator = await connect('operator')
  const config = {
    durable_name: 'audit',
    ack_policy: 'explicit',
    deliver_policy: 'new',
    filter_subjects: ['sluice.event.joined.chat.*.*', 'sluice.event.left.chat.*.*'],
  }
  const made = await operator.request(
    '$JS.API.CONSUMER.DURABLE.CREATE.SLUICE_EVENTS.audit',
    JSON.stringify({ stream_name: 'SLUICE_EVENTS', config }),
  )
  const { error } = made.json<{ error?: object }>()
  if (error !== undefined) throw new Error(JSON.stringify(error))
}
