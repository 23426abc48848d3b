import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Death } from './child.ts'
import { createSupervisor, type SupervisedSpec, type Supervisor } from './supervisor.ts'

const DEAF = "process.on('SIGTERM', () => console.log('deaf'));"
const STAY = 'setInterval(() => undefined, 1000);'
const TELL = 'console.log(process.pid);'

let supervisor: Supervisor
let lines: { readonly name: string; readonly line: string }[]
let deaths: { readonly name: string; readonly death: Death }[]
let killed: string[]

beforeEach(() => {
  lines = []
  deaths = []
  killed = []
  supervisor = createSupervisor({
    onLine: (name, line) => lines.push({ name, line }),
    onDeath: (name, death) => deaths.push({ name, death }),
    onKill: (name) => killed.push(name),
    restartMs: 50,
  })
})

afterEach(async () => {
  supervisor.kill()
  await supervisor.stop()
})

function script(name: string, code: string, tier: SupervisedSpec['tier'] = 'service'): SupervisedSpec {
  return { name, tier, command: process.execPath, args: ['-e', code], env: process.env, graceMs: 1_000 }
}

/** The process ids that a script has told so far. */
function pids(name: string): number[] {
  return lines.filter((told) => told.name === name && /^\d+$/.test(told.line)).map(({ line }) => Number(line))
}

async function until(condition: () => void): Promise<void> {
  await vi.waitFor(condition, { timeout: 8_000, interval: 20 })
}

async function firstPid(name: string): Promise<number> {
  await until(() => expect(pids(name)).not.toEqual([]))
  return pids(name)[0] ?? 0
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('what a process says on either stream comes line by line, with its name', async () => {
  supervisor.start(script('talker', `console.log('out'); console.error('err'); ${STAY}`))
  await until(() => {
    expect(lines).toContainEqual({ name: 'talker', line: 'out' })
    expect(lines).toContainEqual({ name: 'talker', line: 'err' })
  })
})

test('a process that ends is named with its code and started again', async () => {
  supervisor.start(script('short', `${TELL} setTimeout(() => process.exit(3), 20)`))
  await until(() => expect(pids('short').length).toBeGreaterThanOrEqual(2))
  expect(deaths[0]).toEqual({ name: 'short', death: { phrase: 'ended with code 3', code: 3 } })
  expect(new Set(pids('short')).size).toBe(pids('short').length)
})

test('a process that is killed is named with the signal and started again', async () => {
  supervisor.start(script('victim', TELL + STAY))
  process.kill(await firstPid('victim'), 'SIGKILL')
  await until(() => expect(pids('victim')).toHaveLength(2))
  expect(deaths).toEqual([{ name: 'victim', death: { phrase: 'was ended by SIGKILL', code: null } }])
})

test('the last words of a process come before its death', async () => {
  let wordsAtDeath: string[] = []
  const own = createSupervisor({
    onLine: (name, line) => lines.push({ name, line }),
    onDeath: () => {
      wordsAtDeath = lines.map(({ line }) => line)
    },
    onKill: () => undefined,
    restartMs: 60_000,
  })
  own.start(script('last', "process.stderr.write('it was the config'); process.exitCode = 2"))
  await until(() => expect(wordsAtDeath).toEqual(['it was the config']))
  await own.stop()
})

test('a program that is not there is named and tried again', async () => {
  supervisor.start({ ...script('ghost', ''), command: '/nowhere/nats-server' })
  await until(() => expect(deaths.length).toBeGreaterThanOrEqual(2))
  expect(deaths[0]?.death.phrase).toContain('could not be started')
})

test('stopping ends every process and starts none again', async () => {
  supervisor.start(script('broker', TELL + STAY, 'broker'))
  supervisor.start(script('one', TELL + STAY))
  supervisor.start(script('two', TELL + STAY))
  const all = [await firstPid('broker'), await firstPid('one'), await firstPid('two')]
  await supervisor.stop()
  expect(all.map(lives)).toEqual([false, false, false])
  expect(deaths).toEqual([])
  expect(killed).toEqual([])
})

test('services are gone before the broker is told to stop', async () => {
  const say = (word: string, ms: number): string =>
    `process.on('SIGTERM', () => setTimeout(() => { console.log('${word}'); process.exit() }, ${ms}));`
  supervisor.start(script('broker', say('broker ends', 0) + TELL + STAY, 'broker'))
  supervisor.start(script('service', say('service ends', 200) + TELL + STAY))
  await firstPid('broker')
  await firstPid('service')
  await supervisor.stop()
  expect(lines.map(({ line }) => line).filter((line) => line.endsWith('ends'))).toEqual(['service ends', 'broker ends'])
})

test('a process that does not stop in time is killed and named', async () => {
  supervisor.start(script('deaf', DEAF + TELL + STAY))
  const pid = await firstPid('deaf')
  await supervisor.stop()
  expect(lives(pid)).toBe(false)
  expect(killed).toEqual(['deaf'])
})

test('killing ends at once what is being stopped', async () => {
  const patient = createSupervisor({
    onLine: (name, line) => lines.push({ name, line }),
    onDeath: () => undefined,
    onKill: (name) => killed.push(name),
  })
  patient.start({ ...script('deaf', DEAF + TELL + STAY), graceMs: 600_000 })
  const pid = await firstPid('deaf')
  const stopped = patient.stop()
  await until(() => expect(lines).toContainEqual({ name: 'deaf', line: 'deaf' }))
  patient.kill()
  await stopped
  expect(lives(pid)).toBe(false)
})

test('stopping between a death and the restart starts nothing', async () => {
  supervisor.start(script('short', `${TELL} process.exitCode = 1`))
  await until(() => expect(deaths).not.toEqual([]))
  await supervisor.stop()
  const count = pids('short').length
  supervisor.start(script('late', TELL))
  // Another supervisor's restart takes as long as one of this would have taken.
  const other = createSupervisor({
    onLine: (name, line) => lines.push({ name, line }),
    onDeath: () => undefined,
    onKill: () => undefined,
    restartMs: 50,
  })
  other.start(script('clock', `${TELL} process.exitCode = 1`))
  await until(() => expect(pids('clock').length).toBeGreaterThanOrEqual(2))
  await other.stop()
  expect(pids('short')).toHaveLength(count)
  expect(pids('late')).toEqual([])
})

test('when the runner itself is killed, its processes end too', async () => {
  const host = `
    import { createSupervisor } from ${JSON.stringify(join(import.meta.dirname, 'supervisor.ts'))}
    const quiet = () => undefined
    const supervisor = createSupervisor({ onLine: (_name, line) => console.log(line), onDeath: quiet, onKill: quiet })
    supervisor.start({ name: 'orphan', tier: 'service', command: process.execPath, args: ['-e', ${JSON.stringify(TELL + STAY)}], env: process.env, graceMs: 1000 })
  `
  const runner = spawn(process.execPath, ['--input-type=module', '-e', host], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [told] = await once(runner.stdout, 'data')
  const orphan = Number(String(told))
  expect(lives(orphan)).toBe(true)
  runner.kill('SIGKILL')
  await until(() => expect(lives(orphan)).toBe(false))
})
