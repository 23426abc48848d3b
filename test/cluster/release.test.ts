// The image and the chart in a real Kubernetes, from install to uninstall, judged from outside: by what its API says of the objects, by what
// gets through to them, and by 500 clients of our library that go on publishing meanwhile.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect } from 'vitest'
import { VALUE_SETS } from '../chart/chart-files.ts'
import { render } from '../chart/helm.ts'
import { eventually } from '../harness/eventually.ts'
import { until } from '../harness/until.ts'
import { CLIENTS, clusterTest as test } from './cluster-tests.ts'
import { NATS_COMMAND_MISSING, startOperatorNats } from './operator-nats.ts'
import { reachedBy, reachScript } from './probe.ts'
import { QUESTIONS_SCRIPT } from './questions.ts'
import { INGRESS_LABELS, type KubernetesObject, type Release, scaling, type Tier } from './release.ts'

const GATEWAY = 'live-sluice-gateway'
const ROUTER = 'live-sluice-router'
/** Two looks of metrics-server and two of the autoscaler, and what a busy machine adds. */
const SCALE_MS = 150_000
/** Idle routers took 9 to 40 % and asked ones 130 to 340, whatever else kept the machine busy. */
const ROUTER_CPU_PERCENT = 80
/** The longest grace period of a pod, 33 s, and what a busy machine adds. */
const GONE_MS = 120_000
/** Kinds that a cluster knows only where their operators are installed. */
const OF_OPERATORS = /^(monitoring\.coreos\.com|keda\.sh|gateway\.networking\.k8s\.io)\//
const OPERATORS_PAGE = resolve(import.meta.dirname, '../../deploy/operators.md')

const names = (pods: readonly KubernetesObject[]): string[] => pods.map(({ metadata }) => metadata.name).sort()

const isReady = ({ status }: KubernetesObject): boolean =>
  (status.conditions ?? []).some(
    ({ type, status: is }: { type: string; status: string }) => type === 'Ready' && is === 'True',
  )

/** A tier has so many pods, all of them ready. */
async function hasReady(release: Release, tier: Tier, count: number): Promise<void> {
  const ready = async (): Promise<boolean> => {
    const pods = await release.pods(tier)
    return pods.length === count && pods.every(isReady)
  }
  await until(ready, { timeoutMs: SCALE_MS, everyMs: 1000, what: `${count} ready pods of ${tier}` })
}

/** What the autoscaler of routers has last read, in percent of what they ask for. */
async function routersTake(release: Release): Promise<number> {
  const { status } = await release.object('hpa', ROUTER)
  return status.currentMetrics?.[0]?.resource?.current?.averageUtilization ?? Number.NaN
}

/** Asks routers in a gateway's pod until something has come; resolves with the number of answers. */
async function asksUntil(release: Release, something: Promise<void>): Promise<number> {
  const pod = (await release.pods('gateway'))[0]?.metadata.name ?? ''
  let has = false
  const come = something.finally(() => {
    has = true
  })
  // It is told below.
  come.catch(() => undefined)
  let answers = 0
  while (!has) answers += Number((await release.execute(pod, QUESTIONS_SCRIPT)).at(-1))
  await come
  return answers
}

test('an install is ready where the restricted Pod Security level is enforced', { timeout: 300_000 }, async ({
  installed: { release },
}) => {
  // Autoscalers raise a first pod to their minimum.
  await hasReady(release, 'gateway', 2)
  await hasReady(release, 'router', 2)
  const pods = [...(await release.pods('gateway')), ...(await release.pods('router')), ...(await release.pods('nats'))]
  expect(
    pods.flatMap(({ status }) => status.containerStatuses.map((one: { restartCount: number }) => one.restartCount)),
  ).toEqual([0, 0, 0, 0, 0])
  const careless = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'careless' } }
  const spec = { containers: [{ name: 'careless', image: 'sluice' }] }
  await expect(release.apply({ ...careless, spec })).rejects.toThrow('violates PodSecurity "restricted')
})

test('the API server takes every object of every set of values, autoscalers on connections among them', {
  timeout: 120_000,
}, async ({ installed: { release } }) => {
  for (const set of VALUE_SETS) {
    const objects = render(set).filter(({ apiVersion }) => !OF_OPERATORS.test(apiVersion))
    await release.check(objects)
  }
})

test('who is neither ingress nor monitoring reaches no port, and NATS is reached by the tiers alone', {
  timeout: 120_000,
}, async ({ installed: { kubernetes, release } }) => {
  const [gateway, router, nats] = await Promise.all(
    (['gateway', 'router', 'nats'] as const).map(async (tier) => (await release.pods(tier))[0]?.status.podIP as string),
  )
  const targets = {
    gateway: [gateway, 8080],
    'gateway-admin': [gateway, 9080],
    'router-admin': [router, 9090],
    nats: [nats, 4222],
    'nats-monitor': [nats, 8222],
  } as Readonly<Record<string, readonly [string, number]>>
  const { namespace, monitoringNamespace } = release
  const reached = (name: string, at: string, wanted: readonly string[], labels = {}): Promise<string[]> =>
    reachedBy(kubernetes, release, { name, namespace: at, labels, targets, wanted })
  const [stranger, ingress, monitoring] = await Promise.all([
    reached('stranger', namespace, []),
    reached('ingress', namespace, ['gateway'], INGRESS_LABELS),
    reached('monitoring', monitoringNamespace, ['gateway-admin', 'router-admin']),
  ])
  expect({ stranger, ingress, monitoring }).toEqual({
    stranger: [],
    ingress: ['gateway'],
    monitoring: ['gateway-admin', 'router-admin'],
  })
  // From within: a gateway has no business with another pod, but for NATS.
  const pod = (await release.pods('gateway')).find(({ status }) => status.podIP !== gateway)?.metadata.name as string
  expect(JSON.parse((await release.execute(pod, reachScript(targets, ['nats']))).at(-1) ?? '')).toEqual(['nats'])
})

test('gateways follow the load of their clients, and routers stay', { timeout: 300_000 }, async ({
  installed: { release },
  flocks,
}) => {
  const routers = names(await release.pods('router'))
  expect(flocks.flatMap((flock) => flock.flaps)).toEqual([])
  await hasReady(release, 'gateway', 3)
  const { status } = await release.object('hpa', GATEWAY)
  console.log(`cluster: ${CLIENTS} clients, gateways at`, JSON.stringify(status.currentMetrics))
  expect(names(await release.pods('router'))).toEqual(routers)
})

test('routers follow a load of their own, and gateways stay', { timeout: 400_000 }, async ({
  installed: { release },
  flocks,
}) => {
  const [gateways, routers] = [names(await release.pods('gateway')), names(await release.pods('router'))]
  // The autoscaler reads them, and has left them alone since the install.
  // What the clients of the test before have brought may still be in it.
  let idle = 0
  const look = async (): Promise<number> => {
    idle = await routersTake(release)
    return idle
  }
  await eventually(look, SCALE_MS).toSatisfy((taken) => taken > 0 && taken < ROUTER_CPU_PERCENT)
  expect(routers).toHaveLength(2)
  await release.upgrade({ router: { autoscaling: scaling(ROUTER_CPU_PERCENT) } })
  // A change of an autoscaler replaces no pod.
  expect(names(await release.pods('router'))).toEqual(routers)
  const answers = await asksUntil(release, hasReady(release, 'router', 3))
  const { status } = await release.object('hpa', ROUTER)
  const loaded = JSON.stringify(status.currentMetrics)
  console.log(`cluster: routers idle at ${idle} %, after ${answers} answers at`, loaded)
  expect(names(await release.pods('router'))).toEqual(expect.arrayContaining(routers))
  expect(names(await release.pods('gateway'))).toEqual(gateways)
  expect(flocks.flatMap((flock) => flock.flaps)).toEqual([])
})

test('helm upgrade and helm rollback replace all pods under 500 clients: nothing is lost or doubled, nobody is seen to go', {
  timeout: 400_000,
}, async ({ installed: { release }, flocks }) => {
  const replaced = async (change: () => Promise<void>): Promise<void> => {
    const before = [...(await release.pods('gateway')), ...(await release.pods('router'))]
    const began = performance.now()
    await change()
    await hasReady(release, 'gateway', 3)
    await hasReady(release, 'router', 3)
    const now = names([...(await release.pods('gateway')), ...(await release.pods('router'))])
    expect(now.filter((name) => names(before).includes(name))).toEqual([])
    console.log(`cluster: all pods replaced in ${Math.round((performance.now() - began) / 1000)} s`)
    const heard = flocks.map((flock) => flock.heard)
    await eventually(() => flocks.every((flock, at) => flock.heard > (heard[at] ?? 0) + 20), 60_000).toBe(true)
    expect(flocks.flatMap((flock) => flock.flaps)).toEqual([])
  }
  const podAnnotations = { 'sluice.test/release': 'next' }
  const settings = { gateway: { podAnnotations }, router: { podAnnotations }, config: { limits: { roomsMax: 64 } } }
  await replaced(() => release.upgrade(settings))
  expect(JSON.stringify(await release.object('deployment', GATEWAY))).toContain('SLUICE_LIMITS_ROOMS_MAX')
  await replaced(() => release.rollback())
  expect(JSON.stringify(await release.object('deployment', GATEWAY))).not.toContain('SLUICE_LIMITS_ROOMS_MAX')
  const figures = await Promise.all(flocks.map((flock) => flock.judge()))
  const sum = (of: (one: (typeof figures)[number]) => number): number => figures.reduce((all, one) => all + of(one), 0)
  const [published, acknowledged, stored] = [
    sum((one) => one.published),
    sum((one) => one.acknowledged),
    sum((one) => one.stored),
  ]
  const interruptions = flocks.flatMap((flock) => flock.interruptions).filter((state) => state !== 'open').length
  console.log(
    `cluster: ${published} published, ${acknowledged} acknowledged, ${stored} stored, ${interruptions} interruptions`,
  )
  expect(figures.flatMap(({ refusals }) => refusals)).toEqual([])
  expect([acknowledged, stored]).toEqual([published, published])
  expect(flocks.flatMap((flock) => flock.flaps)).toEqual([])
})

test('autoscaling is turned off, and on again only when that leaves the pods there are', { timeout: 200_000 }, async ({
  installed: { kubernetes, release },
}) => {
  const replicas = async (): Promise<number> => (await release.object('deployment', GATEWAY)).spec.replicas
  const on = { gateway: { autoscaling: { enabled: true } } }
  const off = { gateway: { replicaCount: 2, autoscaling: { enabled: false } } }
  await release.upgrade(off, '--force-conflicts')
  expect(await replicas()).toBe(2)
  await expect(release.upgrade(on)).rejects.toThrow(`scale deployment/${GATEWAY} --replicas=3`)
  await kubernetes.kubectl('scale', `deployment/${GATEWAY}`, '--replicas=3', '--namespace', release.namespace)
  await release.upgrade(on)
  expect(await replicas()).toBe(3)
})

test('helm uninstall leaves nothing of a release with a nats-server of its own', { timeout: 200_000 }, async ({
  installed: { release, before },
}) => {
  expect((await release.everything()).length).toBeGreaterThan(before.length)
  await release.uninstall()
  // Pods go with their grace period.
  await eventually(() => release.everything(), GONE_MS).toEqual(before)
})

test('with a nats-server of its operator all streams stay behind helm uninstall, until the command of the page removes them', {
  timeout: 300_000,
}, async ({ installed: { kubernetes, release, before }, skip }) => {
  skip(NATS_COMMAND_MISSING !== '', NATS_COMMAND_MISSING)
  const nats = await startOperatorNats(kubernetes, release)
  expect(await nats.streams()).toEqual([])
  const few = { replicaCount: 1, autoscaling: { enabled: false } }
  await release.install({
    nats: { url: nats.url, replicas: 1, embedded: { enabled: false } },
    gateway: few,
    router: few,
  })
  const kept = await nats.streams()
  expect(kept.length).toBeGreaterThan(3)
  await release.uninstall()
  await eventually(() => release.everything(), GONE_MS).toEqual(before)
  expect(await nats.streams()).toEqual(kept)
  const [, command] = /^(nats stream ls .* nats stream rm .*)$/m.exec(readFileSync(OPERATORS_PAGE, 'utf8')) ?? []
  await nats.shell(command ?? 'no command on the page')
  expect(await nats.streams()).toEqual([])
})
