// What cluster tests stand on: one Kubernetes with one release for all tests of a file, and 500 clients that publish for as long as they are
// asked to. Where there is no Kubernetes, each test is skipped by name.
import { type Flock, startFlock } from '../containers/flock.ts'
import { Stage, test } from '../harness/stage.ts'
import { KUBERNETES_MISSING, type Kubernetes, startKubernetes } from './kubernetes.ts'
import { prepareRelease, type Release } from './release.ts'

/** A Kubernetes with a release that is installed, and what was in its namespace before. */
export interface Installed {
  readonly kubernetes: Kubernetes
  readonly release: Release
  readonly before: readonly string[]
}

const ROOMS = 10
const ROOM_MEMBERS = 50
const PUBLISH_EVERY_MS = 5000

/** How many clients the flocks have together. */
export const CLIENTS = ROOMS * ROOM_MEMBERS

/** Tests of a file that share a release; they run in their order, and each goes on where the one before has ended. */
export const clusterTest = test
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  .extend('made', { scope: 'file' }, async ({}, { onCleanup }): Promise<Installed | null> => {
    if (KUBERNETES_MISSING !== '') return null
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const kubernetes = await startKubernetes(stage)
    const release = await prepareRelease(stage, kubernetes)
    const before = await release.everything()
    await release.install()
    return { kubernetes, release, before }
  })
  .extend('installed', ({ made, skip }): Installed => made ?? skip(KUBERNETES_MISSING))
  .extend('gathered', { scope: 'file' }, async ({ made }, { onCleanup }): Promise<readonly Flock[]> => {
    if (made === null) return []
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const doorway = await made.release.doorway()
    const flocks: Flock[] = []
    // One after the other: a storm of sockets is another suite's matter.
    for (let at = 0; at < ROOMS; at++) {
      const options = { stage, room: `chat:flock-${at}`, size: ROOM_MEMBERS, everyMs: PUBLISH_EVERY_MS }
      flocks.push(await startFlock({ ...options, gateways: () => [doorway] }))
    }
    return flocks
  })
  .extend('flocks', ({ gathered, installed }) => (installed === null ? [] : gathered))
