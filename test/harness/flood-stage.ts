// What tests of floods stand on: a gateway with the limits of the product, users who talk, a flooder, and the bounds that each flood is held
// to. A file shares one; short in CI, and as long as SLUICE_FLOOD_SECONDS says otherwise.
import { expect } from 'vitest'
import { Client } from './client.ts'
import { eventually } from './eventually.ts'
import { Flooder, type FloodFigures, type FloodOptions, inTime, measureFlood } from './flood.ts'
import type { GatewayProcess, Settings } from './gateway.ts'
import { INSPECTED, Inspector } from './inspector.ts'
import type { Metrics } from './metrics.ts'
import { Stage, test } from './stage.ts'
import { SteadyUsers } from './steady-users.ts'
import { makeToken } from './tokens.ts'
import { Witness } from './witness.ts'

/** Length of each slice. */
const SECONDS = Number(process.env.SLUICE_FLOOD_SECONDS ?? 0.6)
const SLICE_MS = SECONDS * 1000
const PAIRS = 3
/**
 * Below this users count as undisturbed: a share of all twenty attackers in one turn, and turns of two processes on one core. Short slices on a
 * machine that others use too tell less: there only a gateway that stalls is found.
 */
const FLOOR_MS = process.env.SLUICE_FLOOD_SECONDS === undefined ? 40 : 15
const USERS = 20
const ATTACKERS = 20

const HEAP_GROWTH_MAX = 1.1

/** Small bounds, so that ten times as much is soon there, on a slow machine too; the rates of frames are the product's own. */
export const FLOOD_SETTINGS = {
  accept: {
    connectionsMax: 80,
    unauthenticatedMax: 40,
    addressConnectionsPerSecond: 40,
    addressSignInFailuresPerSecond: 50,
    trustedProxies: ['127.0.0.1'],
  },
  limits: { publishesPerSecond: 50, publishBurst: 100, requestsPerSecond: 50 },
  log: { level: 'info' },
} as const satisfies Settings

/** A gateway under flood. */
export interface FloodStage {
  readonly gateway: GatewayProcess
  readonly users: SteadyUsers
  /** Floods in pairs of slices and holds what was seen to the bounds that all floods share. */
  flood(order: FloodOptions['order']): Promise<FloodFigures & { readonly metrics: Metrics }>
}

/** See {@link testWithFlood}. */
export interface FloodStageOptions {
  /** Merged over {@link FLOOD_SETTINGS}, section by section. */
  readonly settings?: Settings | ((stage: Stage) => Promise<Settings>)
  readonly token?: (user: string) => Promise<string>
}

/** Tests of a file that share a gateway and its users. */
export function testWithFlood({ settings = {}, token = makeToken }: FloodStageOptions = {}) {
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  return test.extend('flooded', { scope: 'file' }, async ({}, { onCleanup }): Promise<FloodStage> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const more = typeof settings === 'function' ? await settings(stage) : settings
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, {
      settings: { ...FLOOD_SETTINGS, ...more },
      env: INSPECTED,
    })
    const inspector = stage.use(await Inspector.of(gateway.child))
    const users = stage.use(await SteadyUsers.start(gateway.url, USERS, token))
    const witness = new Witness(await nats.connect())
    const flooder = stage.use(new Flooder())
    let met = 0
    const strangers = (): Promise<string[]> =>
      Promise.all(Array.from({ length: ATTACKERS }, () => token(`attacker-${met++}`)))
    const settled = () => eventually(async () => (await gateway.metrics()).value('connections'), 20_000).toBe(USERS)
    // The first slice is that of a process which has just started.
    await users.slice(SLICE_MS)
    return {
      gateway,
      users,
      async flood(order) {
        const figures = await measureFlood({
          flooder,
          gateway,
          inspector,
          users,
          witness,
          order,
          // One flood before the pairs.
          attackers: await Promise.all(Array.from({ length: PAIRS + 1 }, strangers)),
          pairs: PAIRS,
          sliceMs: SLICE_MS,
          settled,
        })
        report(order.attack, figures)
        expect(users.closed).toBe(0)
        expect(inTime(figures.pairs, FLOOR_MS), JSON.stringify(figures)).toBe(true)
        const [base = 0, ...after] = figures.heapBytes
        for (const bytes of after) expect(bytes).toBeLessThanOrEqual(base * HEAP_GROWTH_MAX)
        await serves(gateway, token)
        return { ...figures, metrics: await gateway.metrics() }
      },
    }
  })
}

/** Who comes now is served. */
async function serves(gateway: GatewayProcess, token: (user: string) => Promise<string>): Promise<void> {
  await using fresh = new Client(gateway.url, { token: await token('fresh') })
  await fresh.welcome()
  await fresh.join('chat:fresh')
  await fresh.ok({ type: 'publish', room: 'chat:fresh', data: 1 })
  await fresh.message()
}

/** Figures for whoever repeats this by hand. */
function report(attack: string, { pairs, heapBytes, roundTrips, outcomes }: FloodFigures): void {
  if (process.env.SLUICE_FLOOD_REPORT === undefined) return
  const mib = heapBytes.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')
  const p99 = pairs
    .map(
      ({ quietMs, floodMs, slowed }) => `${quietMs.toFixed(1)} → ${floodMs.toFixed(1)} (NATS × ${slowed.toFixed(1)})`,
    )
    .join(', ')
  process.stdout.write(
    `${attack}: p99 of users in ms ${p99}; ${roundTrips} round trips; heap ${mib} MiB; ${JSON.stringify(outcomes)}\n`,
  )
}
