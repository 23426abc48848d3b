// All that is published on the NATS of one gateway and one router, for tests of what clients can bring about there; and texts that try to
// be more than a name.
import type { MsgHdrs } from '@nats-io/transport-node'
import fc from 'fast-check'
import { expect } from 'vitest'
import { DEFAULT_SETTINGS, type GatewayProcess } from './gateway.ts'
import { historyCluster } from './history.ts'
import type { NatsServer } from './nats.ts'
import { test as plain, Stage } from './stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = {
  namespaces: {
    default: open,
    chat: { ...open, presence: true, history: { messages: 1000, seconds: 3600 } },
    live: { ...open, presence: true },
    ask: { join: { who: 'service' }, publish: { who: 'service' } },
  },
  auth: { ...DEFAULT_SETTINGS.auth, grants: { send: ['*'], call: ['*'] } },
}

/** A message as it was published. */
export interface Tapped {
  readonly subject: string
  readonly headers: MsgHdrs | undefined
  readonly text: string
}

/** One gateway, and all that is published on its NATS. */
export interface Wire {
  readonly nats: NatsServer
  readonly gateway: GatewayProcess
  /** All that has been published since the last call. */
  take(): Promise<Tapped[]>
}

/** Tests of a file that share a wire. */
export const test = plain.extend(
  'wire',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Wire> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: SETTINGS })
    const client = await nats.connect()
    let tapped: Tapped[] = []
    client.subscribe('>', {
      callback: (_, message) => {
        tapped.push({ subject: message.subject, headers: message.headers, text: message.string() })
      },
    })
    await client.flush()
    async function take(): Promise<Tapped[]> {
      await client.flush()
      const taken = tapped
      tapped = []
      return taken
    }
    return { nats, gateway: gateways[0] as GatewayProcess, take }
  },
)

/** Texts that try to be more than a name. */
const PIECES = [
  '.',
  '>',
  '*',
  ' ',
  '\r\n',
  '\n',
  '\t',
  '\0',
  ':',
  '=2E',
  '=2e',
  '=41',
  '=',
  '$JS',
  '$KV',
  '_INBOX',
  'sluice',
  'live',
  'room',
  'a',
  'é',
  '🙂',
  '\ud800',
  '{user}',
  '{{wildcard(1)}}',
  '\u202e',
  '\ufeff',
]
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { minLength: 0, maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 130 }),
)

/** A name of a room or user: `ns:*` is none but all of a namespace. */
export const name = text.filter((text) => text !== '*')

/** Everything that the tiers say to each other in this test, whatever clients do: tokens are canonical, and as many as there should be. */
const T = '(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+'
const OURS = [
  String.raw`sluice\.(?:pub\.|live\.)?room\.(?:default|chat|live|ask)\.${T}`,
  String.raw`sluice\.user\.${T}`,
  String.raw`sluice\.session\.[\w-]+\.\d+`,
  String.raw`sluice\.event\.(?:connected|disconnected)\.${T}`,
  String.raw`sluice\.event\.(?:joined|left)\.(?:chat|live)\.${T}\.${T}`,
  String.raw`sluice\.event\.(?:occupied|empty)\.(?:chat|live)\.${T}`,
  String.raw`sluice\.event\.resync\.(?:room|user)\.\d+`,
  String.raw`sluice\.call(?:\.${T})+`,
  String.raw`sluice\.authorize\.(?:join|publish)\.ask`,
  String.raw`sluice\.(?:ctl|api)\.\w+`,
  String.raw`(?:sluice\.lease|\$KV\.sluice_lease)\.(?:gateway|router)\.[\w-]+`,
  String.raw`(?:sluice\.presence|\$KV\.sluice_presence_1_64)\.room\.\d+\.(?:chat|live)\.${T}\.[\w-]+\.\d+`,
  String.raw`(?:sluice\.presence|\$KV\.sluice_presence_1_64)\.user\.\d+\.[\w-]+\.\d+`,
  String.raw`\$JS\.API\.(?:STREAM\.(?:INFO|NAMES|PURGE|MSG\.GET)|DIRECT\.GET)(?:\.\w+)?`,
  String.raw`\$JS\.EVENT\.ADVISORY\.[\w.-]+`,
  String.raw`_INBOX\.[\w.]+`,
]
const ours = new RegExp(`^(?:${OURS.join('|')})$`)

/** The subjects of messages with this mark; fails for a subject that is nobody's. */
export function markedSubjects(tapped: readonly Tapped[], mark: string): string[] {
  expect(tapped.map(({ subject }) => subject).filter((subject) => !ours.test(subject))).toEqual([])
  return tapped.filter(({ text }) => text.includes(mark)).map(({ subject }) => subject)
}
