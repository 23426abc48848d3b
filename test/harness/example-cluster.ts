// What the examples of the services' page are run against: a gateway, a router and a nats-server; and what clients got of it.
import { expect } from 'vitest'
import type { Client, Frame } from './client.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from './gateway.ts'
import { historyCluster } from './history.ts'
import type { NatsServer } from './nats.ts'
import { type Example, type Language, prepare, type Runnable } from './service-examples.ts'
import { test as plain, Stage } from './stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence: true }
const ask = { join: { who: 'service' }, publish: { who: 'service' } }

/** As `npm start` has them, with inboxes that keep messages. */
export const EXAMPLE_SETTINGS = {
  namespaces: { default: open, chat: { ...open, history: { messages: 1000, seconds: 3600 } }, ask },
  auth: { ...DEFAULT_SETTINGS.auth, grants: { send: ['*'], call: ['*'] } },
  inbox: { history: { messages: 100, seconds: 3600 } },
}

/** What the examples are run against. */
export interface Shared {
  /** What runs a language, made once. */
  readonly runs: (language: Language) => Runnable | string
  readonly nats: NatsServer
  readonly gateway: GatewayProcess
}

/** Tests of a file that share a cluster. */
export const test = plain.extend(
  'cluster',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Shared> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const { nats, gateways } = await historyCluster(stage, { gateways: 1, settings: EXAMPLE_SETTINGS })
    const made = new Map<Language, Runnable | string>()
    const runs = (language: Language): Runnable | string => {
      const run = made.get(language) ?? prepare(language)
      made.set(language, run)
      return run
    }
    return { runs, nats, gateway: gateways[0] as GatewayProcess }
  },
)

/** Runs an example to its end; resolves with what it printed. */
export async function output(
  runnable: Runnable,
  example: Example,
  { nats }: Shared,
  ...args: string[]
): Promise<string> {
  const child = runnable.start(example, nats.url, ...args)
  const { code } = await child.exited
  const text = child.lines.join('\n')
  expect(code, text).toBe(0)
  return text
}

/** A user in chat:lobby, with its inbox. */
export async function member(stage: Stage, { gateway }: Shared, name: string, ...rooms: string[]): Promise<Client> {
  const client = await stage.user(gateway, name)
  for (const room of rooms) await client.ok({ type: 'join', room })
  await client.ok({ type: 'join', user: name })
  return client
}

/** What a client was told, without what differs from run to run. */
export function told({ frames }: Client): Partial<Frame>[] {
  return frames
    .filter(({ type }) => type === 'message')
    .map(({ type: _, offset, prev, time, ...fields }) => ({
      ...fields,
      ...(offset === undefined ? {} : { stored: true }),
    }))
}

/** Both are compared without order: nothing is promised between rooms and users. */
export function sorted(frames: readonly object[]): string[] {
  return frames.map((frame) => JSON.stringify(Object.fromEntries(Object.entries(frame).sort()))).sort()
}

/** As {@link told} has a message of chat:lobby. */
export const lobby = (fields: object): object => ({ room: 'chat:lobby', ...fields })
/** The same of a user's own. */
export const inbox = (user: string, data: object, stored = false): object => ({
  user,
  data,
  ...(stored ? { stored } : {}),
})
