// What containers tests stand on: one cluster for all tests of a file, with an image built from this tree. Where no engine is here, each
// test is skipped by name.
import { inject } from 'vitest'
import { Stage, test } from '../harness/stage.ts'
import { type ClusterOptions, type ContainerCluster, startCluster } from './cluster.ts'
import { imageOfTree } from './image.ts'

/** Why containers tests cannot run here; empty where they can. */
export const ENGINE_MISSING = inject('engineMissing')

/** Tests of a file that share a cluster; each uses rooms and users of its own. */
export function testWithContainers(options: Partial<ClusterOptions> = {}) {
  return (
    test
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
      .extend('started', { scope: 'file' }, async ({}, { onCleanup }): Promise<ContainerCluster | null> => {
        if (ENGINE_MISSING !== '') return null
        const stage = new Stage()
        onCleanup(() => stage[Symbol.asyncDispose]())
        return startCluster({ stage, image: await imageOfTree(), ...options })
      })
      .extend('cluster', ({ started, skip }): ContainerCluster => started ?? skip(ENGINE_MISSING))
  )
}
