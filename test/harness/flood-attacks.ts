// What a flooder does, once for each call: dials, misbehaves, and says what came of it: an HTTP status, a close code, `cut` for a
// connection that was ended without a word, or `end` where the time was over first. Nothing here is polite.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Dialled, upgradeRequest } from './flood-dial.ts'
import { OPCODE, wireFrame } from './raw-socket.ts'

/** Where and when an attack is made. */
export interface Attempt {
  readonly port: number
  /** Counts the attempts of a flood. */
  readonly number: number
  /** When the flood is over, by `performance.now()`. */
  readonly endsAt: number
  /** A valid token of one of the attackers. */
  readonly token: string
}

type Attack = (attempt: Attempt) => Promise<string>

/** Many attackers have many addresses; the gateway believes the test's proxy header. */
const ONE_ADDRESS = '198.51.100.1'
const manyAddresses = (number: number): string => `203.0.${(number >> 8) & 255}.${number & 255}`

const text = (payload: string | Buffer, fin = true, opcode: number = OPCODE.text): Buffer =>
  wireFrame({ opcode, payload, fin })

/** Dials with a token and, once there is a socket, sends this again and again until it is closed or the flood is over. */
function sendsEndlessly(bytes: Buffer): Attack {
  return async ({ port, number, endsAt, token }) => {
    const dialled = new Dialled(port)
    dialled.write(upgradeRequest({ from: manyAddresses(number), token }))
    const status = await dialled.status
    if (status !== '101') return status
    // As fast as it is taken: a write that is not yet out holds back the next.
    while (performance.now() < endsAt && !dialled.over) await dialled.written(bytes)
    if (!dialled.over) dialled.end()
    return await dialled.outcome(endsAt)
  }
}

/** Sends one thing in place of a request, and waits for what comes. */
function sendsOnce(make: (attempt: Attempt) => Buffer | string): Attack {
  return async (attempt) => {
    const dialled = new Dialled(attempt.port)
    dialled.write(make(attempt))
    const status = await dialled.status
    if (status !== '101') return status
    const outcome = await dialled.outcome(attempt.endsAt)
    dialled.end()
    return outcome
  }
}

/** How long a socket is kept: they end as they began, spread over time. */
const HOLD_MS = 300

/** Takes a socket if it gets one, keeps it for a while and leaves. */
function holds(make: (attempt: Attempt) => string): Attack {
  return async (attempt) => {
    const dialled = new Dialled(attempt.port)
    dialled.write(make(attempt))
    const status = await dialled.status
    if (status !== '101') return status
    await pause(HOLD_MS)
    dialled.end()
    return status
  }
}

const repeated = (count: number, frame: (at: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, at) => frame(at)))

const GARBAGE: readonly (Buffer | string)[] = [
  randomBytes(2048),
  Buffer.from('1603010200010001fc0303', 'hex').toString('latin1').padEnd(600, '\0'),
  `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Forwarded-For: 203.0.113.${randomBytes(1)[0]}\r\nSec-WebSocket-Key: short\r\n\r\n`,
  `GET /ws HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  text('{"type":"ping"}'),
]

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that looks right but for its key, which nobody knows. */
const unknownKey = (number: number): string =>
  [
    base64({ alg: 'RS256', kid: `unknown-${number}-${process.pid}` }),
    base64({ sub: 'nobody', exp: 4_000_000_000 }),
    randomBytes(256).toString('base64url'),
  ].join('.')

/** The attacks, by name. */
export const attacks = {
  /** Upgrades without a token, all from one address. */
  oneAddress: sendsOnceAndLeaves(() => upgradeRequest({ from: ONE_ADDRESS })),
  /** Upgrades without a token that are kept, each from another address. */
  unsigned: holds(({ number }) => upgradeRequest({ from: manyAddresses(number) })),
  /** Upgrades with valid tokens that are kept, each from another address. */
  signed: holds(({ number, token }) => upgradeRequest({ from: manyAddresses(number), token })),
  /** What is no handshake. */
  garbage: sendsOnce(({ number }) => GARBAGE[number % GARBAGE.length] ?? ''),
  /** One message in parts of one byte without an end. */
  fragments: sendsEndlessly(repeated(4096, (at) => text('x', false, at === 0 ? OPCODE.text : OPCODE.continuation))),
  pings: sendsEndlessly(repeated(4096, () => wireFrame({ opcode: OPCODE.ping, payload: 'p' }))),
  publishes: sendsEndlessly(
    repeated(256, (at) => text(JSON.stringify({ id: at, type: 'publish', room: 'chat:flood', data: 'x'.repeat(64) }))),
  ),
  joins: sendsEndlessly(
    repeated(256, (at) => text(JSON.stringify({ id: at, type: 'join', room: `chat:flood-${at}` }))),
  ),
  /** Tokens that are nothing but long: above what a header may have, and just below it. */
  giantTokens: sendsOnce(({ number }) =>
    upgradeRequest({ from: manyAddresses(number), token: 't'.repeat(number % 2 === 0 ? 60_000 : 15_000) }),
  ),
  /** Tokens signed by keys that are in no key set. */
  unknownKeys: sendsOnce(({ number }) => upgradeRequest({ from: manyAddresses(number), token: unknownKey(number) })),
} as const satisfies Record<string, Attack>

/** The name of an attack. */
export type AttackName = keyof typeof attacks

function sendsOnceAndLeaves(make: (attempt: Attempt) => string): Attack {
  return async (attempt) => {
    const dialled = new Dialled(attempt.port)
    dialled.write(make(attempt))
    const status = await dialled.status
    dialled.end()
    return status
  }
}
