// Thousands who lose their gateway, miss messages of rooms with history, and come back to the one that is left: what they got, and what
// it cost JetStream. For the test of that promise and the benchmark. Sockets are light ones of this process.
import { DEFAULT_SETTINGS, type GatewayProcess, startGateway } from './gateway.ts'
import { type CrowdPosition, CrowdSocket, forEachOf } from './history-crowd.ts'
import { storeAll } from './history-stream.ts'
import { startNats } from './nats.ts'
import { startRouter } from './router.ts'
import { makeToken } from './tokens.ts'
import type { Use } from './use.ts'

/** How many. */
export interface GatewayLossPlan {
  readonly sockets: number
  readonly rooms: number
  /** Messages that each room gets while its members are away. */
  readonly missed: number
}

/** What became of them. */
export interface GatewayLoss {
  /** Sockets that were not told that they recovered, got too little or too much, or were closed. */
  readonly unrecovered: number
  readonly miscounted: number
  readonly closed: number
  /** What was wrong with the chains of any socket. */
  readonly wrong: readonly string[]
  /** Reads of a room, and those shared by all rooms. */
  readonly roomReads: number
  readonly sharedReads: number
  /** Questions about the stream itself. */
  readonly stateReads: number
  /** From the first join of those that came back to the last answer. */
  readonly elapsedMs: number
}

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const NAMESPACES = { chat: { ...open, history: { messages: 20_000, seconds: 3600 } } }
/** Connections of one user, below the limit. */
const PER_USER = 20
const AT_ONCE = 64
const NOBODY: CrowdPosition = { epoch: '', offset: 0 }

/** Lets it happen. */
export async function loseGateway(use: Use, { sockets, rooms, missed }: GatewayLossPlan): Promise<GatewayLoss> {
  const nats = use(await startNats())
  use(await startRouter(nats.url, { SLUICE_NAMESPACES: JSON.stringify(NAMESPACES) }))
  const settings = { ...DEFAULT_SETTINGS, namespaces: NAMESPACES }
  const start = async (): Promise<GatewayProcess> => use(await startGateway(nats.url, { settings }))
  const [one, two] = await Promise.all([start(), start()])
  const roomOf = (at: number): string => `chat:room${at % rooms}`
  const before = await openCrowd(
    use,
    one.port,
    Array.from({ length: sockets }, () => NOBODY),
  )
  await forEachOf(before, 500, (socket, at) => socket.join(roomOf(at), false))

  await one.child.kill()
  const service = await nats.connect()
  const messages = Array.from({ length: missed }, (_, n) =>
    Array.from({ length: rooms }, (_, room) => ({ subject: `sluice.pub.room.chat.room${room}`, data: `${n}` })),
  )
  await storeAll(service, messages.flat())
  const reads = async (...kinds: readonly string[]): Promise<number> => {
    const metrics = await two.metrics()
    return kinds.reduce((sum, kind) => sum + metrics.value('history_reads_total', { kind }), 0)
  }
  // Waiting for streams at its start has asked for them.
  const statesBefore = await reads('state')
  const after = await openCrowd(
    use,
    two.port,
    before.map(({ position }) => position),
  )
  const startedAt = performance.now()
  const answers = await forEachOf(after, sockets, (socket, at) => socket.join(roomOf(at), true))
  return {
    elapsedMs: performance.now() - startedAt,
    unrecovered: answers.filter(({ recovered }) => recovered !== true).length,
    miscounted: after.filter(({ count }) => count !== missed).length,
    closed: after.filter(({ closed }) => closed).length,
    wrong: after.flatMap(({ wrong }) => wrong),
    roomReads: await reads('forward', 'probe', 'leader'),
    sharedReads: await reads('lasts'),
    stateReads: (await reads('state')) - statesBefore,
  }
}

/** Opens sockets that end with whoever takes them over. */
async function openCrowd(use: Use, port: number, positions: readonly CrowdPosition[]): Promise<CrowdSocket[]> {
  const users = Array.from({ length: Math.ceil(positions.length / PER_USER) }, (_, at) => makeToken(`crowd${at}`))
  const tokens = await Promise.all(users)
  const sockets: CrowdSocket[] = []
  use({
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.end()
    },
  })
  await forEachOf(positions, AT_ONCE, async (position, at) => {
    sockets[at] = await CrowdSocket.open(port, tokens[Math.floor(at / PER_USER)] as string, position)
  })
  return sockets
}
