import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

/** Where no nats-server is at hand, the first run fetches one. */
const RUN_MS = 120_000

interface Run {
  readonly process: ChildProcess
  readonly output: () => string
  readonly ended: Promise<unknown>
}

let folder: string
let runs: Run[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-run-'))
  runs = []
})

afterEach(async () => {
  for (const { process: runner } of runs) runner.kill('SIGKILL')
  await Promise.all(runs.map(({ ended }) => ended))
  rmSync(folder, { recursive: true, force: true })
})

/** Ports that are free now; both gateways need neighbours. */
async function freePort(span: number): Promise<number> {
  for (;;) {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const neighbours = await Promise.all(Array.from({ length: span - 1 }, (_, index) => isFree(port + index + 1)))
    if (neighbours.every(Boolean)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}

interface Ports {
  readonly port: number
  readonly adminPort: number
  readonly options: readonly string[]
}

async function choosePorts(): Promise<Ports> {
  const [port, adminPort, nats, monitor] = [await freePort(2), await freePort(2), await freePort(1), await freePort(1)]
  const options = [
    `--port=${port}`,
    `--admin-port=${adminPort}`,
    `--nats-port=${nats}`,
    `--nats-monitor-port=${monitor}`,
  ]
  return { port, adminPort, options }
}

function start(options: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const main = join(import.meta.dirname, 'main.ts')
  // A setting of the shell, or one of the tests' own that begins like them, is none of this run.
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_')))
  const runner = spawn(process.execPath, [main, ...options, `--state=${folder}`], { env: { ...inherited, ...env } })
  let text = ''
  for (const stream of [runner.stdout, runner.stderr]) stream.on('data', (piece) => (text += String(piece)))
  const run: Run = { process: runner, output: () => text, ended: once(runner, 'exit') }
  runs.push(run)
  return run
}

async function says(run: Run, text: string): Promise<void> {
  await vi.waitFor(() => expect(run.output()).toContain(text), { timeout: RUN_MS - 10_000, interval: 50 })
}

/** The processes that a run has started, its leash included. */
function childrenOf(run: Run): { readonly pid: number; readonly command: string }[] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && Number(match[2]) === run.process.pid)
    .map((match) => ({ pid: Number(match?.[1]), command: match?.[3] ?? '' }))
    .filter(({ command }) => !command.startsWith('ps '))
}

function lives({ pid }: { readonly pid: number }): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function status(url: string): Promise<number> {
  return (await fetch(url)).status
}

test(
  'a run comes up ready, starts a dead gateway again, leaves nothing running, and starts a second time',
  async () => {
    const { port, adminPort, options } = await choosePorts()
    const run = start(options)
    await says(run, 'Sluice is ready')
    expect(await status(`http://127.0.0.1:${adminPort}/readyz`)).toBe(200)
    expect(await status(`http://127.0.0.1:${adminPort + 1}/readyz`)).toBe(200)
    expect(await status(`http://127.0.0.1:${port}/`)).toBe(200)

    const children = childrenOf(run)
    expect(children).toHaveLength(5)
    const gateway = children.find(({ command }) => command.includes('gateway/src/main.ts'))
    process.kill(gateway?.pid ?? 0, 'SIGKILL')
    await says(run, 'was ended by SIGKILL; starting it again in 1 s')
    await says(run, 'is ready again')

    const all = [...children, ...childrenOf(run)]
    run.process.kill('SIGTERM')
    expect(await run.ended).toEqual([0, null])
    await vi.waitFor(() => expect(all.filter(lives)).toEqual([]), { timeout: 5_000 })

    const second = start(options)
    await says(second, 'Sluice is ready')
    second.process.kill('SIGINT')
    expect(await second.ended).toEqual([0, null])
  },
  RUN_MS,
)

test(
  'a refused configuration ends the run with exit code 2, and the mistake is shown',
  async () => {
    const { options } = await choosePorts()
    const run = start([...options, '--gateways=1'], { SLUICE_LIMITS_ROOMS_MAX: 'many' })
    expect(await run.ended).toEqual([2, null])
    expect(run.output()).toContain('SLUICE_LIMITS_ROOMS_MAX')
  },
  RUN_MS,
)

test(
  'a second signal ends at once what drains',
  async () => {
    const { port, options } = await choosePorts()
    const run = start([...options, '--gateways=1'], { SLUICE_DRAIN_WINDOW_MS: '100000' })
    await says(run, 'Sluice is ready')
    const sockets = Array.from({ length: 20 }, () => new WebSocket(`ws://127.0.0.1:${port}/`))
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.addEventListener('message', resolve))))
    const children = childrenOf(run)
    run.process.kill('SIGTERM')
    await says(run, 'stopping')
    // Signals that come together are one wish, so this asks until a later one is heard.
    const asking = setInterval(() => run.process.kill('SIGTERM'), 100)
    await run.ended
    clearInterval(asking)
    await vi.waitFor(() => expect(children.filter(lives)).toEqual([]), { timeout: 5_000 })
  },
  RUN_MS,
)
