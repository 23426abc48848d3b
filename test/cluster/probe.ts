// Pods that try to reach others, so that NetworkPolicies are judged by what gets through. They run the image under test, with Node alone.
import { until } from '../harness/until.ts'
import type { Kubernetes } from './kubernetes.ts'
import type { Release } from './release.ts'

const PROBE_MS = 90_000

/** Who tries to reach what. */
export interface Probe {
  readonly name: string
  readonly namespace: string
  readonly labels?: Readonly<Record<string, string>>
  /** Addresses and ports, by the name that the answer gives them. */
  readonly targets: Readonly<Record<string, readonly [address: string, port: number]>>
  /** Names of those that must be reached: a policy may take a moment to know a new pod. */
  readonly wanted: readonly string[]
}

/**
 * Says on one line which targets were reached at any moment: all wanted ones and some seconds must have passed, so that what is closed
 * was closed all the while.
 */
export function reachScript(targets: Probe['targets'], wanted: readonly string[]): string {
  return `
    const { connect } = require('node:net')
    const reached = new Set()
    const look = () => Promise.all(${JSON.stringify(Object.entries(targets))}.map(([name, [host, port]]) => new Promise((done) => {
      const socket = connect({ host, port, timeout: 1000 })
      socket.on('connect', () => { reached.add(name); socket.destroy() })
      socket.on('timeout', () => socket.destroy())
      socket.on('error', () => {})
      socket.on('close', done)
    })))
    const until = async () => {
      for (let round = 0; round < 4 || (round < 40 && !${JSON.stringify(wanted)}.every((name) => reached.has(name))); round++) {
        await look()
        await new Promise((done) => setTimeout(done, 500))
      }
      console.log(JSON.stringify([...reached].sort()))
    }
    until()`
}

/** Runs such a pod to its end; resolves with the names of what it reached. */
export async function reachedBy({ kubectl, image }: Kubernetes, release: Release, probe: Probe): Promise<string[]> {
  const { name, namespace, labels = {}, targets, wanted } = probe
  await release.apply(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, labels },
      spec: {
        restartPolicy: 'Never',
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [
          {
            name: 'probe',
            image,
            args: ['--eval', reachScript(targets, wanted)],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          },
        ],
      },
    },
    namespace,
  )
  const at = [name, '--namespace', namespace]
  const ended = async (): Promise<boolean> => {
    const phase = (await kubectl('get', 'pod', ...at, '-o', 'jsonpath={.status.phase}')).join('')
    return phase === 'Succeeded' || phase === 'Failed'
  }
  await until(ended, { timeoutMs: PROBE_MS, everyMs: 500, what: `the end of the pod ${name}` })
  const lines = await kubectl('logs', ...at)
  await kubectl('delete', 'pod', ...at, '--grace-period=1')
  return JSON.parse(lines.at(-1) ?? '')
}
