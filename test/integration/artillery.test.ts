// The scenario of artillery as it is, against real gateways. artillery takes some 470 MB on disk, so it is no dependency: CI installs it into the
// ignored folder (.ci/run), and elsewhere this is skipped.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect } from 'vitest'
import { type RelayedFrame, startFaultyRelay } from '../conformance/faulty-relay.ts'
import { startChild } from '../harness/child.ts'
import { testWithHistory } from '../harness/history.ts'
import type { Stage } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'

const root = resolve(import.meta.dirname, '../..')
const program = join(root, '.sluice/artillery/node_modules/artillery/bin/run')
const scenario = join(root, 'test/artillery/messages.yml')
const here = existsSync(program)
const WHY = 'artillery is not in .sluice/artillery; .ci/run installs it'
const TIMEOUT = { timeout: 180_000 }

const test = testWithHistory()

interface Report {
  readonly aggregate: { readonly counters: Readonly<Record<string, number>> }
}

async function artillery(
  stage: Stage,
  target: string,
): Promise<{ code: number | null; counters: Readonly<Record<string, number>> }> {
  const folder = stage.folder()
  const report = join(folder, 'report.json')
  const child = startChild({
    command: process.execPath,
    args: [program, 'run', '--target', target, '--output', report, scenario],
    env: { PATH: process.env.PATH, HOME: folder, SLUICE_SECRET: SECRET, ARTILLERY_DISABLE_TELEMETRY: 'true' },
  })
  stage.use({ [Symbol.asyncDispose]: async () => void (await child.kill()) })
  const { code } = await child.exited
  if (!existsSync(report)) throw new Error(`no report; it said:\n${child.lines.join('\n')}`)
  return { code, counters: (JSON.parse(readFileSync(report, 'utf8')) as Report).aggregate.counters }
}

test(
  '100 clients of artillery publish 50 messages each without an error',
  TIMEOUT,
  async ({ stage, cluster, skip }) => {
    if (!here) return skip(WHY)
    const { code, counters } = await artillery(stage, cluster.one.url)
    expect(Object.keys(counters).filter((name) => name.startsWith('errors.'))).toEqual([])
    expect(counters).toMatchObject({
      'vusers.completed': 100,
      'vusers.failed': 0,
      'sluice.acknowledged': 5000,
      'sluice.own': 5000,
    })
    expect(code).toBe(0)
  },
)

test('one acknowledgement that does not come is an error of artillery', TIMEOUT, async ({ stage, cluster, skip }) => {
  if (!here) return skip(WHY)
  let kept = false
  const relay = await startFaultyRelay(cluster.one.url, () => ({
    toClient({ type, id }: RelayedFrame, text) {
      if (kept || type !== 'ok' || id !== '7') return [text]
      kept = true
      return []
    },
  }))
  const { code, counters } = await artillery(stage, stage.use(relay).url)
  expect(counters).toMatchObject({ 'vusers.completed': 99, 'vusers.failed': 1 })
  expect(code).not.toBe(0)
})
