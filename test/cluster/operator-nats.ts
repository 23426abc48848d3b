// A nats-server that is none of the chart's, as an operator has it beside a release: one pod with JetStream in a namespace of its own. What it
// keeps is read from its monitor, and commands of the `nats` program are run against it.
import { spawnSync } from 'node:child_process'
import { delimiter, resolve } from 'node:path'
import { run } from '../containers/command.ts'
import { until } from '../harness/until.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { Release } from './release.ts'

/** Where .ci/run or a developer has installed `nats` for tests. */
const INSTALLED = resolve(import.meta.dirname, '../../.sluice/services/bin')
/** Why commands of `nats` cannot be run; empty where they can. */
export const NATS_COMMAND_MISSING = spawnSync('nats', ['--version'], { env: { PATH: pathWithNats() } }).error
  ? 'the nats command is not here'
  : ''
const LABELS = { app: 'nats' }
const READY_MS = 60_000

/** Such a server. */
export interface OperatorNats {
  /** For `nats.url`. */
  readonly url: string
  /** The names of its streams and of the streams of its buckets. */
  streams(): Promise<string[]>
  /** Runs a line of shell whose `nats` speaks to it. */
  shell(line: string): Promise<void>
}

/** Starts it in the namespace of monitoring, which goes with the test. */
export async function startOperatorNats({ kubectl }: Kubernetes, release: Release): Promise<OperatorNats> {
  const namespace = release.monitoringNamespace
  await release.apply(pod(), namespace)
  const ports = [{ name: 'nats', port: 4222 }]
  const spec = { type: 'NodePort', selector: LABELS, ports }
  await release.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'nats' }, spec }, namespace)
  const proxy = `/api/v1/namespaces/${namespace}/pods/nats:8222/proxy`
  const healthy = async (): Promise<boolean> =>
    (await kubectl('get', '--raw', `${proxy}/healthz`)).join('').includes('ok')
  await until(healthy, { timeoutMs: READY_MS, everyMs: 500, what: 'a healthy nats-server' })
  const nodePort = `jsonpath={.spec.ports[0].nodePort}`
  const [port] = await kubectl('get', 'service', 'nats', '--namespace', namespace, '-o', nodePort)
  const address = await release.nodeAddress()
  return {
    url: `nats://nats.${namespace}:4222`,
    async streams() {
      const answer = (await kubectl('get', '--raw', `${proxy}/jsz?accounts=true&streams=true`)).join('')
      const { account_details = [] } = JSON.parse(answer) as {
        account_details?: { stream_detail?: { name: string }[] }[]
      }
      return account_details.flatMap(({ stream_detail = [] }) => stream_detail.map(({ name }) => name)).sort()
    },
    async shell(line) {
      const env = { PATH: pathWithNats(), NATS_URL: `nats://${address}:${port}` }
      await run(['bash', '-o', 'pipefail', '-c', line], { env })
    },
  }
}

function pathWithNats(): string {
  return [process.env.PATH, INSTALLED].join(delimiter)
}

function pod(): object {
  const restricted = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const args = ['--jetstream', '--store_dir', '/data', '--http_port', '8222']
  const container = { name: 'nats', image: 'nats:2.15.2', args, securityContext: restricted }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'nats', labels: LABELS },
    spec: {
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  }
}
