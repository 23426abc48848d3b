// Our own client library under test: closed with the stage, and everything that it tells is written down.
import { resolve } from 'node:path'
import { type ConnectOptions, connect, type Message, type Room, type Sluice, type State } from '@sluice/client'
import { type Child, startChild } from './child.ts'
import type { Stage } from './stage.ts'
import { makeToken } from './tokens.ts'

/** A client and what it has told. */
export interface Told {
  readonly sluice: Sluice
  readonly states: readonly State[]
  readonly errors: readonly unknown[]
}

/** What a room has told, by event. */
export interface RoomTold {
  readonly room: Room
  readonly messages: readonly Message[]
  /** The data of the messages. */
  readonly data: readonly unknown[]
  /** Everything but messages and the view of members, as `[event, value]`. */
  readonly events: readonly (readonly [string, unknown])[]
}

/** Waits that tests can wait for. */
export const QUICK = { backoff: { minMs: 20, maxMs: 200, stableMs: 1000 } } as const

/** Connects, with {@link QUICK} waits unless other options say so. */
export function library(stage: Stage, address: Parameters<typeof connect>[0], options: ConnectOptions = {}): Told {
  const sluice = connect(address, { ...QUICK, ...options })
  stage.use({ [Symbol.asyncDispose]: async () => sluice.close() })
  const states: State[] = []
  const errors: unknown[] = []
  sluice.on('state', (state) => states.push(state))
  sluice.on('error', (error) => errors.push(error))
  return { sluice, states, errors }
}

/** Writes down what a room tells. */
export function record(room: Room): RoomTold {
  const messages: Message[] = []
  const data: unknown[] = []
  const events: [string, unknown][] = []
  room.on('message', (message) => {
    messages.push(message)
    data.push(message.data)
  })
  for (const name of ['recovered', 'gap', 'fault', 'state', 'refused', 'removed', 'joined', 'left'] as const) {
    room.on(name, (value) => events.push([name, value]))
  }
  return { room, messages, data, events }
}

/** The library in a process of its own, in a room: for tests that stop it. */
export async function libraryProcess(stage: Stage, url: string, room: string, options: object): Promise<Child> {
  const child = startChild({
    command: process.execPath,
    args: [resolve(import.meta.dirname, 'library-process.ts')],
    env: {
      PATH: process.env.PATH,
      GATEWAY: url,
      TOKEN: await makeToken('ann'),
      ROOM: room,
      OPTIONS: JSON.stringify(options),
    },
  })
  stage.use({ [Symbol.asyncDispose]: async () => void (await child.kill()) })
  await child.line((line) => line.includes('"room","value":"joined"'), 'the room is joined')
  return child
}

/** What such a process has said of one event. */
export function saidOf(child: Child, event: string): unknown[] {
  return child.lines
    .map((line) => (line.startsWith('{') ? JSON.parse(line) : {}))
    .flatMap((said) => (said.event === event ? [said.value] : []))
}
