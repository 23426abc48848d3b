// Runs once before the containers tests and once behind them: finds the engine, or the reason why they cannot run here, and removes what
// earlier runs have left that were killed before they could clean up. Builds and starts nothing.
import { hostname } from 'node:os'
import { getContainerRuntimeClient } from 'testcontainers'
import type { TestProject } from 'vitest/node'
import { run } from './command.ts'
import { OWNER_LABEL } from './owner.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Why containers tests cannot run here; empty where they can. */
    readonly engineMissing: string
  }
}

/** Called by vitest before the first file of the suite. */
export async function setup(project: TestProject): Promise<void> {
  const missing = await engineMissing()
  project.provide('engineMissing', missing)
  if (missing === '') await sweep()
}

/** Called by vitest behind the last one: a test that was cut off has left its containers. */
export async function teardown(): Promise<void> {
  if ((await engineMissing()) === '') await sweep()
}

async function engineMissing(): Promise<string> {
  try {
    await (await getContainerRuntimeClient()).container.dockerode.ping()
  } catch {
    return 'no Docker engine is here'
  }
  return run(['docker', 'version']).then(
    () => '',
    () => 'the docker command is not here',
  )
}

/** Containers first: a network or a volume that is in use cannot be removed. */
async function sweep(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const filters = { label: [OWNER_LABEL] }
  for (const { Id, Labels } of await dockerode.listContainers({ all: true, filters })) {
    if (isLeft(Labels[OWNER_LABEL])) await dockerode.getContainer(Id).remove({ force: true, v: true })
  }
  for (const { Id, Labels } of await dockerode.listNetworks({ filters })) {
    if (isLeft(Labels?.[OWNER_LABEL])) await dockerode.getNetwork(Id).remove()
  }
  await sweepVolumes()
}

async function sweepVolumes(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const { Volumes } = await dockerode.listVolumes({ filters: { label: [OWNER_LABEL] } })
  for (const { Name, Labels } of Volumes ?? []) {
    if (isLeft(Labels?.[OWNER_LABEL])) await dockerode.getVolume(Name).remove()
  }
}

/** Whether the process that made something on this machine has ended. Of another machine on the same engine we know nothing. */
function isLeft(owner: string | undefined): boolean {
  const [host, pid] = (owner ?? '').split('/')
  if (host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch {
    return true
  }
}
