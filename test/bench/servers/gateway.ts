// The gateway under test: the real process, with production's defaults but for what a benchmark on one machine breaks. Its
// clients sign in with tokens of a secret that is made for the run.
import { fileURLToPath } from 'node:url'
import type { Processes } from './processes.ts'
import type { BenchServer } from './server.ts'

/** The gateway of this repository. */
export const GATEWAY_MAIN = fileURLToPath(new URL('../../../gateway/src/main.ts', import.meta.url))

/** See {@link startGateway}. */
export interface StartGatewayOptions {
  readonly name: string
  /** Path of a gateway's `main.ts`. */
  readonly main: string
  readonly prefix: string
  readonly natsPort: number
  /** HS256, at least 32 bytes. */
  readonly secret: string
  /** A folder that Node writes a CPU profile to when the gateway ends, or null. */
  readonly profiles: string | null
}

/** Starts a gateway and waits until it listens. */
export async function startGateway(processes: Processes, options: StartGatewayOptions): Promise<BenchServer> {
  const { name, main, prefix, natsPort, secret, profiles } = options
  const profiling = profiles === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`]
  const { pid, ready } = await processes.start({
    name,
    command: process.execPath,
    args: [...profiling, main],
    env: { ...inherited(), ...settings(natsPort, prefix, secret) },
    ready: listening,
  })
  return { name, pid, port: ready, prefix, kind: 'gateway' }
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

function listening(line: string): number | null {
  if (!line.includes('"listening"')) return null
  const { port } = JSON.parse(line) as { port: number }
  return port
}
