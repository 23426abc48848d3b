// The soak scripts as they are, run by the adapter against real gateways: they hold where nothing is wrong, and fail where one message is.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect } from 'vitest'
import { type RelayedFrame, startFaultyRelay } from '../conformance/faulty-relay.ts'
import { startChild } from '../harness/child.ts'
import { HISTORY_SETTINGS, testWithHistory } from '../harness/history.ts'
import type { Stage } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'
import type { Summary } from '../soak/adapter/summary.ts'

/** Enough to see that a script works, and that it sees a fault, which is there from the first seconds. */
const SHORT_SECONDS = 4
/** In CI scripts that must hold are judged for as long as their issue says. */
const SECONDS = process.env.CI === undefined ? SHORT_SECONDS : 20
const USERS = 20
const TIMEOUT = { timeout: 180_000 }
const main = resolve(import.meta.dirname, '../soak/adapter/main.ts')
/** Three times what is promised elsewhere: the machine of a test may be that much slower. */
const PATIENCE = ['-e', 'SOAK_ACK_P95_MS=1500', '-e', 'SOAK_DELIVERY_P95_MS=1500']
/** Arrivals keep their times: after a stall of the machine they all come at once, and must find somebody free. */
const OWN: Readonly<Record<string, readonly string[]>> = { churn: ['--rate=5', '--vus=60'] }

const chat = { ...HISTORY_SETTINGS.namespaces.chat, presence: true }
const test = testWithHistory({ namespaces: { ...HISTORY_SETTINGS.namespaces, chat } })

interface Run {
  readonly stage: Stage
  readonly script: string
  readonly url: string
  readonly seconds: number
}

async function soak({ stage, script, url, seconds }: Run): Promise<{ code: number | null; summary: Summary }> {
  const file = join(stage.folder(), 'summary.json')
  const child = startChild({
    command: process.execPath,
    args: [
      main,
      script,
      `--url=${url}`,
      `--duration=${seconds}s`,
      `--vus=${USERS}`,
      `--summary=${file}`,
      ...PATIENCE,
      ...(OWN[script] ?? []),
    ],
    env: { PATH: process.env.PATH, SOAK_SECRET: SECRET },
  })
  stage.use({ [Symbol.asyncDispose]: async () => void (await child.kill()) })
  const { code } = await child.exited
  try {
    return { code, summary: JSON.parse(readFileSync(file, 'utf8')) }
  } catch (cause) {
    throw new Error(`no summary; it said:\n${child.lines.join('\n')}`, { cause })
  }
}

function broken({ thresholds, exceptions }: Summary): unknown[] {
  return [
    ...thresholds.filter(({ ok }) => !ok).map(({ metric, threshold }) => `${metric} ${threshold}`),
    ...exceptions.told,
  ]
}

// Side by side: each has rooms and users of its own, and more load makes what must hold no easier.
describe.concurrent('against gateways that are well', () => {
  test.for(['steady', 'storm', 'broadcast', 'churn', 'presence'])(
    '%s holds',
    TIMEOUT,
    async (script, { stage, cluster }) => {
      const { code, summary } = await soak({
        stage,
        script,
        url: `${cluster.one.url},${cluster.two.url}`,
        seconds: SECONDS,
      })
      expect(broken(summary)).toEqual([])
      expect([code, summary.passed]).toEqual([0, true])
    },
  )
})

/** Keeps one frame from one client, once; what it does with others is to pass them on. */
function dropsOne(isIt: (frame: RelayedFrame) => boolean) {
  let dropped = false
  return () => ({
    toClient(frame: RelayedFrame, text: string): readonly string[] {
      if (dropped || !isIt(frame)) return [text]
      dropped = true
      return []
    },
  })
}

describe.concurrent('against a gateway that', () => {
  test.for(['steady', 'broadcast'])(
    'keeps one message from one client, %s fails',
    TIMEOUT,
    async (script, { stage, cluster }) => {
      const relay = stage.use(
        await startFaultyRelay(
          cluster.one.url,
          dropsOne(({ type }) => type === 'message'),
        ),
      )
      const { code, summary } = await soak({
        stage,
        script,
        url: `${relay.url},${cluster.two.url}`,
        seconds: SHORT_SECONDS,
      })
      expect(broken(summary)).toContain('sluice_lost count==0')
      expect(code).toBe(99)
    },
  )

  test('sends one message twice, steady fails', TIMEOUT, async ({ stage, cluster }) => {
    let doubled = false
    const relay = await startFaultyRelay(cluster.one.url, () => ({
      toClient({ type }, text) {
        if (doubled || type !== 'message') return [text]
        doubled = true
        return [text, text]
      },
    }))
    const { code, summary } = await soak({ stage, script: 'steady', url: stage.use(relay).url, seconds: SHORT_SECONDS })
    expect(broken(summary)).toEqual(['sluice_doubled count==0'])
    expect(code).toBe(99)
  })

  test('forgets to tell that someone has left, presence fails', TIMEOUT, async ({ stage, cluster }) => {
    const relay = stage.use(
      await startFaultyRelay(
        cluster.one.url,
        dropsOne(({ type }) => type === 'left'),
      ),
    )
    const { code, summary } = await soak({ stage, script: 'presence', url: relay.url, seconds: SHORT_SECONDS })
    expect(broken(summary)).toContain('sluice_presence_wrong count==0')
    expect(code).toBe(99)
  })
})
