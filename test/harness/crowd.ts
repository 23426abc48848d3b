// A crowd that joins, leaves, crashes and comes back at random, and what must be true of it: the oracle of presence. Repeatable by its
// seed, but for the timing of processes.
import type { Client } from './client.ts'
import type { Doorway, Stage } from './stage.ts'

/** A member of the crowd: at most one live socket at a time. */
interface Person {
  readonly user: string
  client: Client | null
  rooms: Set<string>
  /** In the middle of a step: two at once would not know which of their requests came first. */
  busy: boolean
}

const ANSWER_MS = 10_000

/** See {@link createCrowd}. */
export interface CrowdOptions {
  readonly stage: Stage
  readonly people: number
  /** Fewer than people, so that users have several connections. */
  readonly users: number
  readonly rooms: readonly string[]
  readonly seed: number
  /** Gateways that can be connected to at this moment. */
  readonly gateways: () => readonly Doorway[]
}

/** A crowd. */
export interface Crowd {
  /** One random step of one person. */
  step(): Promise<void>
  /** Who is in a room by the live sockets: connections by user. */
  expected(room: string): Record<string, number>
  /** Sockets that live. */
  readonly live: number
  /** All go. */
  leave(): Promise<void>
}

/** Makes a crowd that has not come yet. */
export function createCrowd({ stage, people, users, rooms, seed, gateways }: CrowdOptions): Crowd {
  const crowd: Person[] = Array.from({ length: people }, (_, at) => ({
    user: `user${at % users}`,
    client: null,
    rooms: new Set(),
    busy: false,
  }))
  let state = seed >>> 0
  /** A linear congruential generator: any spread does. */
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }

  /** The socket of a person, unless it has died meanwhile. */
  function liveOf(person: Person): Client | null {
    if (person.client !== null && person.client.close !== null) {
      person.client = null
      person.rooms = new Set()
    }
    return person.client
  }

  async function connect(person: Person): Promise<void> {
    const open = gateways()
    const gateway = open[random(open.length)] as Doorway
    const client = await stage.user(gateway, person.user).catch(() => null)
    person.client = client
    person.rooms = new Set()
  }

  /** One who gets no answer does not know where it stands, and gives its socket up. */
  async function ask(person: Person, client: Client, frame: object): Promise<boolean> {
    const answer = await client.request(frame, ANSWER_MS).catch(() => null)
    if (answer === null && person.client === client) drop(person, client)
    return answer?.type === 'ok' && person.client === client
  }

  function drop(person: Person, client: Client, code?: number): void {
    person.client = null
    person.rooms = new Set()
    if (code === undefined) client.socket.terminate()
    else client.socket.close(code)
  }

  async function act(person: Person): Promise<void> {
    const client = liveOf(person)
    if (client === null) return connect(person)
    const room = rooms[random(rooms.length)] as string
    const action = random(10)
    if (action < 5) {
      if (!person.rooms.has(room) && (await ask(person, client, { type: 'join', room }))) person.rooms.add(room)
    } else if (action < 7) {
      person.rooms.delete(room)
      await ask(person, client, { type: 'leave', room })
    } else drop(person, client, action < 8 ? 1000 : undefined)
  }

  return {
    async step() {
      const person = crowd[random(crowd.length)] as Person
      if (person.busy) return
      person.busy = true
      await act(person).finally(() => {
        person.busy = false
      })
    },
    expected(room) {
      const counts: Record<string, number> = {}
      for (const person of crowd) {
        if (liveOf(person) === null || !person.rooms.has(room)) continue
        counts[person.user] = (counts[person.user] ?? 0) + 1
      }
      return counts
    },
    get live() {
      return crowd.filter((person) => liveOf(person) !== null).length
    },
    async leave() {
      const clients = crowd.flatMap((person) => liveOf(person) ?? [])
      await Promise.all(clients.map((client) => client.leave()))
    },
  }
}
