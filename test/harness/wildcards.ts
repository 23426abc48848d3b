// Namespaces whose rooms may all be joined at once, and what tests ask of what a wildcard brings: each message of the namespace once, and
// the chain of each room whole.
import { setTimeout as pause } from 'node:timers/promises'
import type { Client, Frame } from './client.ts'
import { brokenLinks, publishTo } from './history.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, wildcard: true }

/** `chat` keeps 1000 messages of each room, `short` ten, `live` nothing; `closed` has no wildcards, `granted` and `asked` by right. */
export const WILDCARD_SETTINGS = {
  namespaces: {
    chat: { ...open, history: { messages: 1000, seconds: 3600 } },
    short: { ...open, history: { messages: 10, seconds: 3600 } },
    flood: { ...open, history: { messages: 100_000, seconds: 3600 } },
    live: { ...open, presence: true },
    closed: { ...open, wildcard: false },
    granted: { publish: { who: 'anyone' }, wildcard: true },
    asked: { join: { who: 'service' }, publish: { who: 'anyone' }, wildcard: true },
  },
}

/** The messages of a namespace that a client got, in the order in which they came. */
export function messagesUnder({ frames }: Client, namespace: string): Frame[] {
  return frames.filter(({ type, room }) => type === 'message' && String(room).startsWith(`${namespace}:`))
}

/** What is wrong with the chains of all rooms among messages, for one who held a position in all of them. */
export function brokenChains(messages: readonly Frame[], held: number): string[] {
  const rooms = Map.groupBy(messages, ({ room }) => String(room))
  return [...rooms].flatMap(([room, chain]) => brokenLinks(chain, held).map((what) => `${room}: ${what}`))
}

/** The join of all rooms of a namespace, as a frame. */
export const joinAll = (namespace: string, fields: object = {}) => ({ type: 'join', room: `${namespace}:*`, ...fields })

/** Publishes into fifty rooms in turn until it is told to stop; the data tells the publisher and counts. */
export function publishEverywhere(client: Client, namespace: string, name: string) {
  let [running, count] = [true, 0]
  const answers: Promise<Frame>[] = []
  const work = (async () => {
    for (; running; await pause(4)) {
      const n = count++
      answers.push(client.ok(publishTo(`${namespace}:r${(n * 7) % 50}`, `${name} ${n}`, { echo: n % 3 !== 0 }), 25_000))
    }
  })()
  return {
    async stop(): Promise<string[]> {
      running = false
      await work
      await Promise.all(answers)
      return Array.from({ length: count }, (_, n) => `${name} ${n}`)
    },
  }
}
