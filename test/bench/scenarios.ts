// What is measured: who is connected, who is in which room, how many messages one event-loop turn brings, and the budget. Pure
// data; the measuring is in measure/.

/** How messages arrive. */
export interface Pattern {
  readonly name: string
  /** Messages in one turn: what is published at once. */
  readonly messages: number
  /**
   * Time from turn to turn, in milliseconds, whether or not the server keeps up: turns that it is late for come together, as they
   * do in life. Null is turn by turn: the next one begins when everyone has the last one and the server was idle for longer than
   * it was busy.
   */
  readonly everyMs: number | null
  /** The most that a delivery may cost the gateway, as a multiple of U. Null is a figure without a budget. */
  readonly budget: number | null
}

/** Connections, their rooms, and the patterns that are run over them. */
export interface Scenario {
  readonly id: string
  readonly title: string
  readonly connections: number
  readonly rooms: number
  /** Divides `rooms`: each connection is in one room of each block of `rooms / roomsEach`, so that all are equally big. */
  readonly roomsEach: number
  readonly patterns: readonly Pattern[]
}

/** Bytes of a message, as services publish it: a short chat line as JSON. */
export const MESSAGE_BYTES = 120

/**
 * The scenarios. B2 brings half a million deliveries a second: the gateway is busy for most of the time then, and gathers more
 * than a turn brings. Its other two patterns show the cost of single turns: a connection gets ten messages in one, or two (2.3, if
 * it gets any).
 */
export const SCENARIOS: readonly Scenario[] = [
  {
    id: 'b1',
    title: 'one room of 400',
    connections: 400,
    rooms: 1,
    roomsEach: 1,
    patterns: [{ name: '1 message, turn by turn', messages: 1, everyMs: null, budget: 1.1 }],
  },
  {
    id: 'b2',
    title: '1000 connections in 10 of 100 rooms each',
    connections: 1000,
    rooms: 100,
    roomsEach: 10,
    patterns: [
      { name: '100 messages each 20 ms', messages: 100, everyMs: 20, budget: 0.25 },
      { name: '20 messages each 4 ms', messages: 20, everyMs: 4, budget: 0.45 },
      { name: '100 messages, turn by turn', messages: 100, everyMs: null, budget: null },
      { name: '20 messages, turn by turn', messages: 20, everyMs: null, budget: null },
    ],
  },
]

/** What the reference is given in place of a scenario's pattern: one frame to each of its connections. */
export function onceToEach(scenario: Scenario): { readonly scenario: Scenario; readonly pattern: Pattern } {
  const pattern: Pattern = { name: 'one frame to each connection', messages: 1, everyMs: null, budget: null }
  return { scenario: { ...scenario, rooms: 1, roomsEach: 1, patterns: [pattern] }, pattern }
}

/** The wire name of a room. All are equally long, so that their frames are. */
export function roomName(room: number): string {
  return `room-${String(room).padStart(5, '0')}`
}

/**
 * The rooms of each connection. Within a block every room gets equally many connections, chosen by a generator with a fixed
 * seed: two runs are alike, and the rooms of two connections are not.
 */
export function membership({ connections, rooms, roomsEach }: Omit<Scenario, 'patterns' | 'id' | 'title'>): number[][] {
  const block = rooms / roomsEach
  if (!Number.isInteger(block)) throw new RangeError(`${roomsEach} does not divide ${rooms}`)
  const random = seeded(1)
  const roomsOf = Array.from({ length: connections }, (): number[] => [])
  for (let first = 0; first < rooms; first += block) {
    const order = shuffled(connections, random)
    for (const [place, connection] of order.entries()) roomsOf[connection]?.push(first + (place % block))
  }
  return roomsOf
}

/**
 * Chooses the rooms of turn after turn by chance, as people do: one room may get two messages and another none. A fixed seed, so
 * that every server gets the same.
 */
export function roomChooser({ rooms }: Pick<Scenario, 'rooms'>, { messages }: Pattern): () => number[] {
  const random = seeded(2)
  return () => Array.from({ length: messages }, () => Math.floor(random() * rooms))
}

/** Deliveries of one turn. Every turn has as many, whatever rooms it goes to, as all rooms are equally big. */
export function deliveriesOfTurn(scenario: Scenario, pattern: Pattern): number {
  return (pattern.messages * scenario.connections * scenario.roomsEach) / scenario.rooms
}

function shuffled(length: number, random: () => number): number[] {
  const order = Array.from({ length }, (_, at) => at)
  for (let at = length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    const held = order[at] as number
    order[at] = order[other] as number
    order[other] = held
  }
  return order
}

/** A linear congruential generator (Numerical Recipes): good enough to mix rooms. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
