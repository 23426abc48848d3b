// The release before beside this one, under load: a rollout moves the tiers one after the other, and may go back, so every mix must work.
import { expect } from 'vitest'
import { test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'
import { startCluster } from './cluster.ts'
import { ENGINE_MISSING } from './containers.ts'
import { startFlock } from './flock.ts'
import { imageOfReleaseBefore, imageOfTree, RELEASE_BEFORE_MISSING } from './image.ts'
import { replaceGateways, replaceRouters } from './rollout.ts'

test('routers, then gateways go from the release before to this one and back: nothing is lost, and nobody is seen to go', {
  timeout: 400_000,
}, async ({ stage, skip }) => {
  if (ENGINE_MISSING !== '') return skip(ENGINE_MISSING)
  const [before, now] = [await imageOfReleaseBefore(), await imageOfTree()]
  if (before === null) return skip(RELEASE_BEFORE_MISSING)
  const cluster = await startCluster({ stage, image: before, gateways: 2 })
  const flock = await startFlock({ stage, room: 'chat:releases', size: 16, gateways: () => cluster.gateways })
  const flows = async (mix: string): Promise<void> => {
    const heard = flock.heard
    await until(() => flock.heard > heard + 100, { timeoutMs: 30_000, what: `a flock that is heard with ${mix}` })
    expect(flock.flaps, mix).toEqual([])
  }
  await flows('the release before')
  await replaceRouters(cluster, now)
  await flows('new routers and old gateways')
  await replaceGateways(cluster, now)
  await flows('this release')
  await replaceRouters(cluster, before)
  await flows('old routers and new gateways')
  await replaceGateways(cluster, before)
  await flows('the release before, once more')
  const { published, acknowledged, stored } = await flock.judge()
  console.log(`releases: ${published} published, ${acknowledged} acknowledged, ${stored} stored`)
  expect([acknowledged, stored]).toEqual([published, published])
  expect(flock.flaps).toEqual([])
  expect(flock.interruptions.filter((state) => state !== 'open')).toEqual([])
})
