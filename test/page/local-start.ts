// `npm start` as a person runs it, on ports of its own and with state in a folder of its own, and ended as a person ends it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Child, startChild } from '../harness/child.ts'
import { freePortRange, freePorts } from '../harness/ports.ts'

/** A local run under test. */
export interface LocalStart extends AsyncDisposable {
  readonly child: Child
  /** Ports of its processes: nats-server, its monitoring, two gateways, their admin ports. */
  readonly ports: readonly number[]
  /** The page on gateway 1 or 2. */
  page(gateway: 1 | 2): string
  /** The socket's address on gateway 1 or 2. */
  socket(gateway: 1 | 2): string
  /** Resolves when it says that it is ready. */
  ready(): Promise<string>
  /** Ctrl-C in a terminal: SIGINT to everything in the foreground. */
  interrupt(): void
  /** Starts the same once more. */
  again(): void
}

const repository = resolve(import.meta.dirname, '../..')
const READY = 'Sluice is ready'
/** A first run may have to wait for a busy machine. */
const READY_MS = 45_000

/** Starts `npm start`. */
export async function localStart(): Promise<LocalStart> {
  const state = mkdtempSync(join(tmpdir(), 'sluice-local-'))
  const port = await freePortRange(2)
  const adminPort = await freePortRange(2)
  const [natsPort = 0, monitorPort = 0] = await freePorts(2)
  const options = [
    `--port=${port}`,
    `--admin-port=${adminPort}`,
    `--nats-port=${natsPort}`,
    `--nats-monitor-port=${monitorPort}`,
    `--state=${state}`,
  ]
  const run = (): Child =>
    startChild({
      command: 'npm',
      args: ['start', '--', ...options],
      cwd: repository,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      group: true,
    })
  let child = run()
  return {
    get child() {
      return child
    },
    ports: [port, port + 1, adminPort, adminPort + 1, natsPort, monitorPort],
    page: (gateway) => `http://localhost:${port + gateway - 1}/?gateways=${port},${port + 1}`,
    socket: (gateway) => `ws://localhost:${port + gateway - 1}/ws`,
    ready: () => child.line((line) => line.includes(READY), 'the ready line', READY_MS),
    interrupt: () => child.signal('SIGINT'),
    again() {
      child = run()
    },
    async [Symbol.asyncDispose]() {
      if (child.exit === null) {
        child.signal('SIGINT')
        await child.exited
      }
      rmSync(state, { recursive: true, force: true })
    },
  }
}
