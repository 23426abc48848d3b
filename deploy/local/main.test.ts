import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-main-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

function run(...argv: string[]): { readonly code: number | null; readonly output: string } {
  const main = join(import.meta.dirname, 'main.ts')
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8' })
  return { code: status, output: stdout + stderr }
}

test('an unknown option is told with exit code 2', () => {
  const { code, output } = run('--prot=1')
  expect(code).toBe(2)
  expect(output).toContain('--prot is unknown')
})

test('--help is no mistake', () => {
  expect(run('--help').code).toBe(0)
})

test('a config file that is not there is told with exit code 2', () => {
  const { code, output } = run(`--config=${join(folder, 'none.json')}`)
  expect(code).toBe(2)
  expect(output).toContain('none.json')
})

test('two processes on one port are told with exit code 2', () => {
  const { code, output } = run('--port=9080')
  expect(code).toBe(2)
  expect(output).toContain('9080')
})

async function listen(): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  return { server, port: (server.address() as { port: number }).port }
}

/** Options for ports that are free now, so that the default ones are left to whoever uses them. */
async function freePorts(...names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map(async (name) => ({ name, ...(await listen()) })))
  for (const { server } of found) server.close()
  return found.map(({ name, port }) => `--${name}=${port}`)
}

test('a taken port is told with exit code 1 and nothing is started', async () => {
  const { server, port } = await listen()
  const others = await freePorts('port', 'admin-port', 'nats-monitor-port')
  writeFileSync(join(folder, 'sluice.json'), '{}')
  const config = join(folder, 'sluice.json')
  const { code, output } = run(
    '--gateways=1',
    ...others,
    `--nats-port=${port}`,
    `--config=${config}`,
    `--state=${folder}`,
  )
  server.close()
  expect(code).toBe(1)
  expect(output).toContain(`port ${port} is taken; nats-server wanted it. Choose another with --nats-port=`)
  expect(output).toContain('Nothing was started')
})
