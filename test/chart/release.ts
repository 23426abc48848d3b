// One rendered release as the assertions see it: its objects by kind and tier, and the parts of a Deployment that they compare.
// Only reads; never judges.
import type { Manifest } from './helm.ts'

/** Labels. */
export type Labels = Readonly<Record<string, string>>

/** A variable of a container. */
export interface Variable {
  readonly name: string
  readonly value?: string
}

/** A container, as far as it is looked at. */
export interface Container {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: readonly Variable[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } }
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } }
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly resources: { readonly limits?: { readonly memory?: string } }
  readonly securityContext: unknown
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

/** A pod, as far as it is looked at. */
export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number
  readonly automountServiceAccountToken: boolean
  readonly securityContext: unknown
  readonly containers: readonly Container[]
  readonly volumes: readonly {
    readonly name: string
    readonly secret?: {
      readonly secretName: string
      readonly items?: readonly { readonly key: string; readonly path: string }[]
    }
    readonly configMap?: { readonly name: string }
  }[]
}

/** What makes pods, as far as it is looked at. */
export interface Workload extends Manifest {
  readonly spec: {
    readonly replicas?: number
    readonly progressDeadlineSeconds: number
    readonly selector: { readonly matchLabels: Labels }
    readonly template: {
      readonly metadata: { readonly labels: Labels; readonly annotations?: Labels }
      readonly spec: PodSpec
    }
    readonly [field: string]: unknown
  }
}

/** Objects of a kind, of one tier if that is given. */
export function ofKind(objects: readonly Manifest[], kind: string, tier?: string): readonly Manifest[] {
  return objects.filter(
    (object) =>
      object.kind === kind && (tier === undefined || object.metadata.labels?.['app.kubernetes.io/component'] === tier),
  )
}

/** What makes the pods of a release. */
export function workloads(objects: readonly Manifest[]): readonly Workload[] {
  return [...ofKind(objects, 'Deployment'), ...ofKind(objects, 'StatefulSet')] as Workload[]
}

/** The Deployment of a tier; throws without one. */
export function deployment(objects: readonly Manifest[], tier: string): Workload {
  const [found] = ofKind(objects, 'Deployment', tier)
  if (found === undefined) throw new TypeError(`no Deployment of ${tier}`)
  return found as Workload
}

/** The one container of a workload. */
export function container(workload: Workload): Container {
  const [first] = workload.spec.template.spec.containers
  if (first === undefined) throw new TypeError(`${workload.metadata.name} has no container`)
  return first
}

/** The variables of a container. */
export function variables({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? '']))
}

/** Whether a selector's labels are among these. */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value)
}

/** A field of an object that is not typed here, by its path. */
export function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object)
}
