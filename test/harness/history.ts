// A cluster that keeps histories: nats-server, a router that makes the streams, and gateways; and what tests ask of chains of offsets.
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Frame } from './client.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from './gateway.ts'
import type { NatsServer } from './nats.ts'
import type { RouterProcess } from './router.ts'
import { Stage, test } from './stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }

/** `chat` keeps 1000 messages of each room, `short` ten; `default` keeps nothing. */
export const HISTORY_SETTINGS = {
  namespaces: {
    default: open,
    chat: { ...open, history: { messages: 1000, seconds: 3600 } },
    short: { ...open, history: { messages: 10, seconds: 3600 } },
    quiet: { ...open, echo: false, history: { messages: 100, seconds: 3600 } },
  },
  inbox: { history: { messages: 100, seconds: 3600 } },
}

/** What a test of histories stands on. */
export interface HistoryCluster {
  readonly nats: NatsServer
  readonly router: RouterProcess
  readonly gateways: readonly GatewayProcess[]
}

/** Starts a router and gateways on a nats-server. */
export async function historyCluster(
  stage: Stage,
  { gateways = 2, settings = HISTORY_SETTINGS as object, nats = undefined as NatsServer | undefined } = {},
): Promise<HistoryCluster> {
  const server = nats ?? (await stage.nats())
  const variables = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [`SLUICE_${name.toUpperCase()}`, JSON.stringify(value)]),
  )
  const router = await stage.router(server, variables)
  const started = Array.from({ length: gateways }, () =>
    stage.gateway(server, { settings: { ...DEFAULT_SETTINGS, ...settings } }),
  )
  return { nats: server, router, gateways: await Promise.all(started) }
}

/** What tests of a file stand on together; each uses rooms and users of its own. */
export interface SharedHistory {
  readonly nats: NatsServer
  readonly one: GatewayProcess
  readonly two: GatewayProcess
}

/** Tests of a file that share a cluster of two gateways. */
export function testWithHistory(settings: object = HISTORY_SETTINGS) {
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  return test.extend('cluster', { scope: 'file' }, async ({}, { onCleanup }): Promise<SharedHistory> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const { nats, gateways } = await historyCluster(stage, { settings })
    const [one, two] = gateways as [GatewayProcess, GatewayProcess]
    return { nats, one, two }
  })
}

/** A publish into a room, as a frame. */
export function publishTo(room: string, data: unknown, fields: object = {}) {
  return { type: 'publish', room, data, ...fields }
}

/** A position that a client holds, as `since` names it. */
export interface Since {
  readonly epoch: string
  readonly offset: number
  readonly time?: number
}

/** The position that an `ok` of `join` tells. */
export function positionOf({ epoch, offset, time }: Frame): Required<Since> {
  return { epoch: String(epoch), offset: Number(offset), time: Number(time) }
}

/** A publish with what became of it. */
export interface Published {
  readonly n: number
  readonly answer: Frame
}

/** Publishes numbers from 0 on, this often, without waiting for answers, until it is told to stop; every one must be answered. */
export function publishSteadily(
  client: Client,
  room: string,
  { everyMs, fields = () => ({}) }: { readonly everyMs: number; readonly fields?: (n: number) => object },
): { readonly count: number; stop(): Promise<Published[]> } {
  let running = true
  const answers: Promise<Published>[] = []
  const work = (async () => {
    for (; running; await pause(everyMs)) {
      const n = answers.length
      const answer = client.request(publishTo(room, n, fields(n)), 25_000)
      answers.push(answer.then((frame) => ({ n, answer: frame })))
    }
  })()
  return {
    get count() {
      return answers.length
    },
    async stop() {
      running = false
      await work
      return Promise.all(answers)
    },
  }
}

/** Everything that a history holds of a room, read by pages. */
export async function readAll(client: Client, room: string): Promise<Frame[]> {
  const all: Frame[] = []
  for (let more = true; more; ) {
    const after = Number(all.at(-1)?.offset ?? 0)
    const page = await client.ok({ type: 'history', room, limit: 500, after }, 15_000)
    all.push(...(page.messages as Frame[]))
    more = page.more === true
  }
  return all
}

/** The messages of a room that a client got, in order. */
export function messagesOf({ frames }: Client, room: string): Frame[] {
  return frames.filter((frame) => frame.type === 'message' && frame.room === room)
}

/**
 * What is wrong with a chain of messages for one who held a position: each offset once, in order, each `prev` not above what was held.
 *
 * @returns sentences; none for a sound chain
 */
export function brokenLinks(messages: readonly Frame[], held = Number.POSITIVE_INFINITY): string[] {
  const broken: string[] = []
  let position = held
  for (const { offset, prev } of messages) {
    if (typeof offset !== 'number' || typeof prev !== 'number') {
      broken.push(`a message without a place: ${offset}, ${prev}`)
      continue
    }
    const first = position === Number.POSITIVE_INFINITY
    if (!first && prev > position) broken.push(`${offset} is behind ${prev}, which did not come after ${position}`)
    if (!first && offset <= position) broken.push(`${offset} came after ${position}`)
    position = offset
  }
  return broken
}
