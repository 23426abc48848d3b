// The gateway under test: the real process, with production's defaults but for what a benchmark on one machine breaks. Its
// clients sign in with tokens of a secret that is made for the run.
import { fileURLToPath } from 'node:url'
import { signToken } from '../../../deploy/local/sign-token.ts'
import { FRAME_BYTES } from '../measure/slice.ts'
import type { Source } from '../measure/source.ts'
import { roomName } from '../scenarios.ts'
import type { ClientPlan } from '../sink/orders.ts'
import type { Processes } from './processes.ts'
import type { BenchServer } from './server.ts'

/** The gateway of this repository. */
export const GATEWAY_MAIN = fileURLToPath(new URL('../../../gateway/src/main.ts', import.meta.url))

/** See {@link startGateway}. */
export interface StartGatewayOptions {
  readonly name: string
  readonly prefix: string
  readonly source: Source
  readonly natsPort: number
  /** HS256, at least 32 bytes. */
  readonly secret: string
  /** Path of a gateway's `main.ts`. Default this repository's. */
  readonly main?: string
  /** A folder that Node writes a CPU profile to when the gateway ends, or null, the default. */
  readonly profiles?: string | null
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>
}

/** A gateway, with what operators see of it. */
export interface BenchGateway extends BenchServer {
  readonly adminPort: number
  readonly prefix: string
}

const TOKEN_TTL_SECONDS = 7200
const GRANTS = { join: ['default:*'], publish: ['default:*'] }

/** Starts a gateway and waits until it listens. */
export async function startGateway(processes: Processes, options: StartGatewayOptions): Promise<BenchGateway> {
  const { name, main = GATEWAY_MAIN, prefix, source, natsPort, secret, profiles = null, env = {} } = options
  const profiling = profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  let adminPort = 0
  const { pid, ready } = await processes.start({
    name,
    command: process.execPath,
    args: [...profiling, main],
    env: { ...inherited(), ...settings(natsPort, prefix, secret), ...env },
    ready: (line) => {
      adminPort = portIn(line, '"admin port is open"', 'adminPort') ?? adminPort
      return portIn(line, '"listening"', 'port')
    },
  })
  return {
    name,
    pid,
    port: ready,
    get adminPort() {
      return adminPort
    },
    prefix,
    publish: source.publisherTo(prefix),
    frameBytes: FRAME_BYTES,
    clientOf: async (at, rooms) => {
      const token = await signToken({ user: `user-${at}`, ttlSeconds: TOKEN_TTL_SECONDS, secret, grants: GRANTS })
      return gatewayClient(token, rooms.map(roomName))
    },
  }
}

/** A client that brings its token, waits for `welcome` and joins. */
export function gatewayClient(token: string, rooms: readonly string[]): ClientPlan {
  const steps = rooms.map((room, at) => ({
    after: at === 0 ? 1 : 0,
    text: JSON.stringify({ type: 'join', id: at + 1, room }),
  }))
  return { path: '/ws', header: `Authorization: Bearer ${token}`, steps, readyAfter: Math.max(1, rooms.length) }
}

function settings(natsPort: number, prefix: string, secret: string): NodeJS.ProcessEnv {
  return {
    SLUICE_LISTEN_HOST: '127.0.0.1',
    SLUICE_LISTEN_PORT: '0',
    SLUICE_ADMIN_HOST: '127.0.0.1',
    SLUICE_ADMIN_PORT: '0',
    SLUICE_NATS_URL: `nats://127.0.0.1:${natsPort}`,
    SLUICE_NATS_PREFIX: prefix,
    SLUICE_AUTH_SECRET: secret,
    SLUICE_LOG_PRETTY: 'false',
    // All clients come from one address.
    SLUICE_ACCEPT_ADDRESS_CONNECTIONS_PER_SECOND: '100000',
    // The sink is silent, and a ping in one slice and not in the next is noise.
    SLUICE_LIMITS_HEARTBEAT_MS: '600000',
    SLUICE_LIMITS_SILENCE_MS: '1800000',
    SLUICE_DRAIN_WINDOW_MS: '0',
  }
}

/** The environment without settings of whoever runs the benchmark. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')))
}

function portIn(line: string, sentence: string, field: string): number | null {
  if (!line.startsWith('{') || !line.includes(sentence)) return null
  return Number((JSON.parse(line) as Record<string, unknown>)[field])
}
