// One release of the chart in a Kubernetes, in a namespace of its own under the restricted Pod Security level: installed, changed, asked about and
// removed with helm and kubectl, as an operator does it. Judges nothing.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Doorway, Stage } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'
import type { Kubernetes } from './kubernetes.ts'

const CHART = resolve(import.meta.dirname, '../../deploy/chart')
const WAIT = ['--wait', '--timeout', '150s']

/** The name of the release. */
export const RELEASE = 'live'

/** The label of pods that clients come through. */
export const INGRESS_LABELS = { 'sluice.test/role': 'ingress' }

/** A tier, as labels call it. */
export type Tier = 'gateway' | 'router'

/** An object of Kubernetes, as far as tests look at it. */
export interface KubernetesObject {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  // biome-ignore lint/suspicious/noExplicitAny: the API's own types are far wider than what a test reads
  readonly spec: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly status: any
}

/** A release under test. */
export interface Release {
  /** The namespace that it is in. */
  readonly namespace: string
  /** The one whose pods may scrape. */
  readonly monitoringNamespace: string
  /** With values beside those that suit the node. */
  install(values?: object): Promise<void>
  /** Values of the release before stay; these are added. */
  upgrade(values: object, ...flags: readonly string[]): Promise<void>
  /** To the revision before. */
  rollback(): Promise<void>
  uninstall(): Promise<void>
  /** The address of a node, at which ports of Services are open. */
  nodeAddress(): Promise<string>
  /** Where clients connect: the Service, at a port of the node. */
  doorway(): Promise<Doorway>
  /** Pods of a tier that are not on their way out. */
  pods(tier: Tier | 'nats'): Promise<readonly KubernetesObject[]>
  object(kind: string, name: string): Promise<KubernetesObject>
  /** Names of what is in the namespace, as `kind/name`. */
  everything(): Promise<readonly string[]>
  /** Makes an object of the namespace, or another. */
  apply(manifest: object, namespace?: string): Promise<void>
  /** Has the API server judge objects, which it does not keep; an unknown field is an error. */
  check(objects: readonly object[]): Promise<void>
  /** Runs a script of Node in a pod of a tier; its output. */
  execute(pod: string, script: string): Promise<readonly string[]>
}

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' }, presence: true }
const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } }

/** Small enough for one node of two cores; whatever a test does not change is the chart's default. */
function valuesOf(image: string, monitoringNamespace: string): object {
  const [, repository, tag] = /^(.*):([^:/]+)$/.exec(image) ?? ['', image, 'latest']
  const monitoring = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': monitoringNamespace } } }
  return {
    image: { repository, tag },
    nats: { embedded: { enabled: true } },
    namespaces: { chat: { ...open, history: { messages: 100_000, seconds: 3600 } } },
    // One machine is all clients, and its crowd is quicker than people.
    config: { accept: { addressConnectionsPerSecond: 100_000 }, limits: { requestsPerSecond: 10_000 } },
    networkPolicy: { clientsFrom: [{ podSelector: { matchLabels: INGRESS_LABELS } }], monitoringFrom: [monitoring] },
    gateway: {
      preStopSeconds: 3,
      drainSeconds: 10,
      service: { type: 'NodePort' },
      resources,
      autoscaling: scaling(30),
    },
    // Far above what these clients cost routers, 9 to 40 %: only gateways follow them.
    router: { drainSeconds: 5, resources, autoscaling: scaling(120) },
  }
}

/** From two pods to three, by CPU in percent of what a pod asks for. */
export function scaling(targetCPUUtilizationPercentage: number): object {
  return { enabled: true, minReplicas: 2, maxReplicas: 3, targetCPUUtilizationPercentage }
}

/** Makes the namespaces and the Secret of tokens; the release itself is not installed yet. All goes with the stage. */
export async function prepareRelease(stage: Stage, { image, kubectl, helm }: Kubernetes): Promise<Release> {
  const id = randomBytes(3).toString('hex')
  const namespace = `sluice-test-${id}`
  const monitoringNamespace = `sluice-test-monitoring-${id}`
  const folder = stage.folder()
  let files = 0
  const file = (name: string, content: string): string => {
    const path = join(folder, `${++files}-${name}`)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const within = ['--namespace', namespace]
  stage.use({
    [Symbol.asyncDispose]: async () =>
      void (await kubectl('delete', 'namespace', namespace, monitoringNamespace, '--ignore-not-found', '--wait=false')),
  })
  for (const name of [namespace, monitoringNamespace]) {
    await kubectl('create', 'namespace', name)
    await kubectl('label', 'namespace', name, 'pod-security.kubernetes.io/enforce=restricted')
  }
  const secret = `--from-file=secret=${file('token', SECRET)}`
  await kubectl('create', 'secret', 'generic', `${RELEASE}-jwt`, secret, ...within)
  const values = file('values.json', JSON.stringify(valuesOf(image, monitoringNamespace)))
  const json = async (...args: readonly string[]) => JSON.parse((await kubectl(...args, '-o', 'json')).join('\n'))
  const nodeAddress = async (): Promise<string> => {
    const nodes: { items: KubernetesObject[] } = await json('get', 'nodes')
    const addresses: { type: string; address: string }[] = nodes.items[0]?.status.addresses ?? []
    return addresses.find(({ type }) => type === 'InternalIP')?.address ?? ''
  }
  return {
    namespace,
    monitoringNamespace,
    async install(changes = {}) {
      const more = file('install.json', JSON.stringify(changes))
      await helm('install', RELEASE, CHART, ...within, '--values', values, '--values', more, ...WAIT)
    },
    async upgrade(changes, ...flags) {
      const more = file('upgrade.json', JSON.stringify(changes))
      await helm('upgrade', RELEASE, CHART, ...within, '--reuse-values', '--values', more, ...WAIT, ...flags)
    },
    rollback: async () => void (await helm('rollback', RELEASE, ...within, ...WAIT)),
    uninstall: async () => void (await helm('uninstall', RELEASE, ...within, ...WAIT)),
    nodeAddress,
    async doorway() {
      const service: KubernetesObject = await json('get', 'service', `${RELEASE}-sluice-gateway`, ...within)
      return { url: `ws://${await nodeAddress()}:${service.spec.ports[0].nodePort}/ws` }
    },
    async pods(tier) {
      const selector = `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component=${tier}`
      const { items }: { items: KubernetesObject[] } = await json('get', 'pods', '--selector', selector, ...within)
      return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    },
    object: (kind, name) => json('get', kind, name, ...within),
    async everything() {
      const kinds = await kubectl('api-resources', '--namespaced', '--verbs=list', '-o', 'name')
      const named = kinds.filter((kind) => !/^events|metrics/.test(kind)).join(',')
      return (await kubectl('get', named, ...within, '-o', 'name', '--ignore-not-found')).sort()
    },
    async apply(manifest, at = namespace) {
      await kubectl('apply', '--namespace', at, '--filename', file('object.json', JSON.stringify(manifest)))
    },
    async check(objects) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects }
      const judged = ['--dry-run=server', '--validate=strict', '--filename', file('list.json', JSON.stringify(list))]
      // Where no object has the name of one of these.
      await kubectl('create', '--namespace', monitoringNamespace, ...judged)
    },
    execute: (pod, script) => kubectl('exec', pod, ...within, '--', 'node', '--eval', script),
  }
}
