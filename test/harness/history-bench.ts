// What tests of history readers stand on: one server, a link, streams of a test's own, and links that lose or count what comes. Knows
// nothing of gateways and routers.
import { createConnection } from 'node:net'
import type { NatsConnection } from '@nats-io/transport-node'
import { createHistoryStores } from '@sluice/proto'
import type { HistoryMessage } from '@sluice/service/jetstream/history-message'
import {
  createHistoryReader,
  type HistoryReader,
  type HistoryReaderOptions,
} from '@sluice/service/jetstream/history-reader'
import type { ReadKind } from '@sluice/service/jetstream/history-requests'
import type { NatsPort } from '@sluice/service/jetstream/port'
import type { Link } from '@sluice/service/nats/link'
import { type HistoryStreamOptions, makeHistory, type StoredPublish, storeAll } from './history-stream.ts'
import { openLink } from './links.ts'
import { startNats } from './nats.ts'

/** A namespace of a test's own, with its stream. */
export interface HistoryNamespace {
  readonly name: string
  readonly stream: string
  /** The subject of a room's messages, as the stream stores them. */
  of(room: string): string
  /** Stores one message in each of these rooms, in this order: their numbers from 0. */
  write(...rooms: string[]): Promise<number[]>
  /** Stores messages of these sizes. */
  fill(room: string, sizes: readonly number[]): Promise<number[]>
  /** Stores a message whose headers our client can't read, as other clients let their users write them. */
  poison(room: string): Promise<void>
}

/** A reader that says how often it did what. */
export interface CountedReader extends HistoryReader {
  count(kind: ReadKind): number
}

/** See {@link openHistoryBench}. */
export interface HistoryBench extends AsyncDisposable {
  readonly client: NatsConnection
  readonly link: Link
  namespace(options?: HistoryStreamOptions): Promise<HistoryNamespace>
  reader(options?: Partial<HistoryReaderOptions>): CountedReader
}

/** Starts a server and opens a link to it. */
export async function openHistoryBench(): Promise<HistoryBench> {
  const nats = await startNats()
  const client = await nats.connect()
  const link = await openLink(nats.url)
  const stores = createHistoryStores()
  let namespaces = 0
  return {
    client,
    link,
    async namespace(options) {
      const name = `ns${namespaces++}`
      const of = (room: string): string => `sluice.pub.room.${name}.${room}`
      const storeEach = (publishes: StoredPublish[]): Promise<number[]> => storeAll(client, publishes)
      await makeHistory(client, stores.room(name), options)
      return {
        name,
        stream: stores.room(name).stream,
        of,
        write: (...rooms) => storeEach(rooms.map((room, at) => ({ subject: of(room), data: `${at}` }))),
        fill: (room, sizes) => storeEach(sizes.map((size) => ({ subject: of(room), data: Buffer.alloc(size, 'x') }))),
        poison(room) {
          const head = 'NATS/1.0\r\nmy header: x\r\n\r\n'
          return rawPublish(nats.url, `HPUB ${of(room)} ${head.length} ${head.length + 2}\r\n${head}{}\r\n`)
        },
      }
    },
    reader(options) {
      const kinds: ReadKind[] = []
      const counters = { reads: (kind: ReadKind) => void kinds.push(kind) }
      const reader = createHistoryReader({ nats: link, leader: link, counters, ...options })
      return { ...reader, count: (kind) => kinds.filter((each) => each === kind).length }
    },
    async [Symbol.asyncDispose]() {
      await link[Symbol.asyncDispose]()
      await nats[Symbol.asyncDispose]()
    },
  }
}

/** A link that counts what it hears on its subscriptions. */
export function hearing(link: Link): { readonly port: NatsPort; readonly heard: { messages: number; bytes: number } } {
  const heard = { messages: 0, bytes: 0 }
  const subscribe: NatsPort['subscribe'] = (subject, deliver) =>
    link.subscribe(subject, (message) => {
      heard.messages++
      heard.bytes += message.data.length
      deliver(message)
    })
  return { port: portOf(link, { subscribe }), heard }
}

/** A link's port with some of its calls replaced. */
export function portOf(link: Link, replaced: Partial<NatsPort>): NatsPort {
  const { inbox, publish, request, subscribe } = link
  return { connected: true, inbox, publish, request, subscribe, ...replaced }
}

/** The offsets of messages. */
export function offsets(messages: readonly HistoryMessage[]): number[] {
  return messages.map(({ offset }) => offset)
}

/** What messages say lies before them. */
export function prevs(messages: readonly HistoryMessage[]): number[] {
  return messages.map(({ prev }) => prev)
}

/** Writes what no client of ours would write; the stream has taken it when this resolves. */
async function rawPublish(url: string, line: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = createConnection({ host: hostname, port: Number(port) })
  const answered = new Promise<void>((resolve) => {
    socket.on('data', (data) => data.includes('PONG') && resolve())
  })
  socket.write(`CONNECT {"verbose":false,"headers":true}\r\n${line}PING\r\n`)
  await answered
  socket.destroy()
}
