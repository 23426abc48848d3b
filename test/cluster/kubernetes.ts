// The Kubernetes under test: the context that the machine's owner named, else one of kind's, else a node of upstream programs that `cluster`
// starts. Says why there is none; never installs anything but images into it.
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { run } from '../containers/command.ts'
import { imageOfTree } from '../containers/image.ts'
import type { Stage } from '../harness/stage.ts'

const HERE = import.meta.dirname
const SCRIPT = join(HERE, 'cluster')
const ROOT = resolve(HERE, '../..')
const { SLUICE_TEST_KUBE_CONTEXT: TOLD = '', SLUICE_TEST_KUBE_IMAGE = '' } = process.env
const { SLUICE_CLUSTER_BIN, SLUICE_CLUSTER_DIR } = process.env
/** Whether a cluster of kind may be made: `npm test` takes nobody's machine over because kind happens to be there. */
const MAY_MAKE_KIND = process.env.SLUICE_TEST_KIND === 'true' || process.env.CI !== undefined
/** Where `cluster` builds its programs. */
const PROGRAMS = SLUICE_CLUSTER_BIN ?? join(ROOT, '.sluice/cluster/bin')
/** What `cluster up` would build or install otherwise, as far as it tells that neither was done yet. */
const NEEDED = [
  ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
  ...['metrics-server', 'kube-router', 'coredns', 'pause', 'etcd', 'containerd', 'runc'],
]
const NATS_IMAGE = 'nats:2.15.2'
const KIND_NAME = 'sluice-test'
const METRICS_SERVER = 'https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.8.0/components.yaml'
const START_MS = 180_000

/** A Kubernetes that a test may install into. */
export interface Kubernetes {
  /** The image of this tree, as its nodes know it. */
  readonly image: string
  kubectl(...args: readonly string[]): Promise<string[]>
  helm(...args: readonly string[]): Promise<string[]>
}

type Source = 'told' | 'kind' | 'own'

/** Why there is no Kubernetes; empty where there is one. */
export const KUBERNETES_MISSING = missing()

/** Which it is: told comes before found, and found before made. */
function source(): Source {
  if (TOLD !== '') return 'told'
  return find('kind') === null ? 'own' : 'kind'
}

function missing(): string {
  const from = source()
  if (find('helm') === null) return 'helm is not here'
  if (from === 'told') {
    if (SLUICE_TEST_KUBE_IMAGE === '') return 'SLUICE_TEST_KUBE_IMAGE does not say which image the cluster can pull'
    return find('kubectl') === null ? 'kubectl is not here' : ''
  }
  if (!engineAnswers()) return 'no Docker engine is here'
  if (from === 'kind') {
    if (!MAY_MAKE_KIND) return 'only `npm run test:cluster` makes a cluster of kind'
    return find('kubectl') === null ? 'kubectl is not here' : ''
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a cluster of our own needs Linux and root'
  return NEEDED.every((name) => find(name) !== null)
    ? ''
    : 'neither a context, kind nor the programs of a cluster are here: `npm run test:cluster` builds them'
}

function engineAnswers(): boolean {
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 })
    return true
  } catch {
    return false
  }
}

/** Starts what has to be started; it ends with the stage. */
export async function startKubernetes(stage: Stage): Promise<Kubernetes> {
  const from = source()
  if (from === 'told') return commands(SLUICE_TEST_KUBE_IMAGE, { context: TOLD })
  const image = await imageOfTree()
  if (from === 'kind') return startKind(stage, image)
  const folder = SLUICE_CLUSTER_DIR === undefined ? {} : { SLUICE_CLUSTER_DIR }
  const env = { SLUICE_CLUSTER_BIN: PROGRAMS, ...folder }
  stage.use({
    [Symbol.asyncDispose]: async () => void (await run([SCRIPT, 'down'], { env, timeoutMs: START_MS })),
  })
  const kubeconfig = (await run([SCRIPT, 'up'], { env, timeoutMs: START_MS })).at(-1) ?? ''
  for (const name of [image, NATS_IMAGE]) await run([SCRIPT, 'load', name], { env, timeoutMs: START_MS })
  return commands(image, { kubeconfig })
}

/** With metrics-server, which kind does not bring and autoscalers read; kubelets of kind have certificates that nobody has signed. */
async function startKind(stage: Stage, image: string): Promise<Kubernetes> {
  const kubeconfig = join(stage.folder(), 'kubeconfig')
  const cluster = ['--name', KIND_NAME, '--kubeconfig', kubeconfig]
  await run(['kind', 'create', 'cluster', ...cluster, '--wait', '120s'], { timeoutMs: START_MS })
  stage.use({ [Symbol.asyncDispose]: async () => void (await run(['kind', 'delete', 'cluster', ...cluster])) })
  for (const name of [image, NATS_IMAGE]) {
    await run(['kind', 'load', 'docker-image', name, '--name', KIND_NAME], { timeoutMs: START_MS })
  }
  const kubernetes = commands(image, { kubeconfig })
  await kubernetes.kubectl('apply', '--filename', METRICS_SERVER)
  const path = '/spec/template/spec/containers/0/args/-'
  const patch = JSON.stringify([{ op: 'add', path, value: '--kubelet-insecure-tls' }])
  const deployment = ['deployment', 'metrics-server', '--namespace', 'kube-system']
  await kubernetes.kubectl('patch', ...deployment, '--type', 'json', '--patch', patch)
  return kubernetes
}

/** Which cluster the commands speak to: a file of its own, or a context of the owner's. */
type Address = { readonly kubeconfig: string } | { readonly context: string }

function commands(image: string, address: Address): Kubernetes {
  const told = 'context' in address
  const { KUBECONFIG } = process.env
  const kubeconfig = told ? KUBECONFIG : address.kubeconfig
  const options = { env: kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }, timeoutMs: START_MS }
  const kubectl = find('kubectl') ?? 'kubectl'
  const helm = find('helm') ?? 'helm'
  return {
    image,
    kubectl: (...args) => run([kubectl, ...(told ? ['--context', address.context] : []), ...args], options),
    helm: (...args) => run([helm, ...(told ? ['--kube-context', address.context] : []), ...args], options),
  }
}

function find(name: string): string | null {
  const folders = [PROGRAMS, join(ROOT, '.sluice/chart/bin'), ...(process.env.PATH ?? '').split(delimiter)]
  for (const folder of folders) {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return join(folder, name)
    } catch {
      // Not here; the next place may have it.
    }
  }
  return null
}
