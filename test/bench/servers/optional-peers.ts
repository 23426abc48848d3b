// Peers of which nothing is a dependency of the repository: uWebSockets.js, Socket.IO, Centrifugo. Each is started, or skipped with a
// reason; where they come from is in install-peers.ts.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../harness/ports.ts'
import { roomSubject, type Source } from '../measure/source.ts'
import { messagePayload } from '../message.ts'
import { MESSAGE_BYTES, roomName } from '../scenarios.ts'
import { findCentrifugo, findPackages, findRedis } from './install-peers.ts'
import { startPeer } from './peers.ts'
import type { Processes } from './processes.ts'
import type { BenchServer } from './server.ts'

/** What optional peers are started with. */
export interface PeerFloor {
  readonly processes: Processes
  readonly source: Source
  readonly natsPort: number
  readonly rooms: number
  readonly say: (sentence: string) => void
}

/** A peer that may not be there. */
export interface OptionalPeer {
  readonly name: string
  /**
   * Starts it.
   *
   * @throws Error with the reason for which it is skipped
   */
  start(floor: PeerFloor, prefix: string): Promise<BenchServer>
}

const READY_LINE = 'serving websocket'

/** All of them. */
export const OPTIONAL_PEERS: readonly OptionalPeer[] = [
  { name: 'uWebSockets.js publish', start: startUws },
  { name: 'Socket.IO, two nodes over Redis', start: startSocketIo },
  { name: 'Centrifugo, NATS broker', start: (floor, prefix) => startCentrifugo(floor, prefix, 'nats') },
  { name: 'Centrifugo, memory engine', start: (floor, prefix) => startCentrifugo(floor, prefix, 'memory') },
]

async function startUws({ processes, source, natsPort, rooms, say }: PeerFloor, prefix: string): Promise<BenchServer> {
  await findPackages(say)
  const differs = 'no sign-in; a slow reader misses messages unseen'
  const peer = { name: 'uWebSockets.js publish', file: '../peers/uws.ts', differs }
  return startPeer(processes, peer, { natsPort, prefix, rooms, source })
}

async function startSocketIo(floor: PeerFloor, prefix: string): Promise<BenchServer> {
  const { processes, source, natsPort, rooms, say } = floor
  await findPackages(say)
  const redis = await findRedis()
  const [redisPort = 0] = await freePorts(1)
  await processes.start({
    name: 'redis-server',
    command: redis,
    args: ['--port', String(redisPort), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()],
    ready: (line) => (line.includes('Ready to accept connections') ? true : null),
  })
  const start = (role: string): Promise<{ readonly pid: number; readonly ready: number }> =>
    processes.start({
      name: `Socket.IO, ${role}`,
      command: process.execPath,
      args: [
        fileURLToPath(new URL('../peers/socket-io.ts', import.meta.url)),
        JSON.stringify({ natsPort, prefix, rooms, redisPort, role }),
      ],
      ready: (line) => (/^\d+$/.test(line) ? Number(line) : null),
    })
  const { pid, ready: port } = await start('node')
  await start('door')
  return {
    name: 'Socket.IO, two nodes over Redis',
    pid,
    port,
    publish: source.publisherTo(prefix),
    frameBytes: null,
    differs: 'no sign-in, no queue bound; the node that holds the clients is measured, its door and Redis are not',
    clientOf: async (_, joined) => ({
      path: `/socket.io/?EIO=4&transport=websocket&rooms=${joined}`,
      // Engine.IO opens, then the namespace is joined: protocol revision 4 and 5.
      steps: [{ after: 1, text: '40' }],
      readyAfter: 1,
    }),
  }
}

async function startCentrifugo(floor: PeerFloor, prefix: string, broker: 'nats' | 'memory'): Promise<BenchServer> {
  const { processes, source, natsPort, say } = floor
  const command = await findCentrifugo(say)
  const [port = 0, apiPort = 0] = await freePorts(2)
  const first = roomSubject(prefix, roomName(0))
  const raw = first.slice(0, first.lastIndexOf('.') + 1)
  const name = `Centrifugo, ${broker === 'nats' ? 'NATS broker' : 'memory engine'}`
  const file = join(mkdtempSync(join(tmpdir(), 'sluice-bench-')), 'centrifugo.json')
  writeFileSync(file, JSON.stringify(centrifugoSettings({ port, apiPort, natsPort, broker, raw })))
  const { pid } = await processes.start({
    name,
    command,
    args: ['--config', file],
    ready: (line) => (line.includes(READY_LINE) ? true : null),
  })
  return {
    name,
    pid,
    port,
    publish: broker === 'nats' ? source.publisherTo(prefix) : apiPublisher(apiPort),
    frameBytes: null,
    linesAreMessages: true,
    differs:
      broker === 'nats'
        ? 'no sign-in here; several messages may share a frame'
        : 'no sign-in here; several messages may share a frame; publishes come over its HTTP API, so that is in its cost',
    clientOf: async (_, rooms) => ({
      path: '/connection/websocket',
      steps: [
        { after: 0, text: JSON.stringify({ id: 1, connect: {} }) },
        ...rooms.map((room, at) => ({
          after: 1,
          text: JSON.stringify({ id: at + 2, subscribe: { channel: roomName(room) } }),
        })),
      ],
      readyAfter: 1,
    }),
  }
}

function centrifugoSettings(options: {
  readonly port: number
  readonly apiPort: number
  readonly natsPort: number
  readonly broker: 'nats' | 'memory'
  readonly raw: string
}): object {
  const { port, apiPort, natsPort, broker, raw } = options
  const nats = { url: `nats://127.0.0.1:${natsPort}`, raw_mode: { enabled: true, prefix: raw } }
  return {
    http_server: { address: '127.0.0.1', port, internal_address: '127.0.0.1', internal_port: String(apiPort) },
    http_api: { insecure: true },
    client: { allowed_origins: ['*'], allow_anonymous_connect_without_token: true, ping_interval: '1h' },
    channel: { without_namespace: { allow_subscribe_for_anonymous: true, allow_subscribe_for_client: true } },
    log: { level: 'info' },
    ...(broker === 'nats' ? { broker: { enabled: true, type: 'nats', nats } } : {}),
  }
}

/** One request with all publishes of a turn, as the API has it. */
function apiPublisher(port: number): (rooms: readonly number[]) => void {
  let published = 0
  return (rooms) => {
    const commands = rooms.map((room) => {
      const data = JSON.parse(messagePayload(MESSAGE_BYTES, published++).toString()) as object
      return { publish: { channel: roomName(room), data } }
    })
    const body = JSON.stringify({ commands, parallel: false })
    // A turn that is lost is seen by the sink, and its slice does not count.
    void fetch(`http://127.0.0.1:${port}/api/batch`, { method: 'POST', body }).then(
      (response) => response.arrayBuffer(),
      () => undefined,
    )
  }
}
