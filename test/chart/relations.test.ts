// What the rendered objects demand of each other, with every set of values: times, ports, selectors, budgets, secrets, and what the restricted
// Pod Security level asks for.
import { beforeEach, describe, expect, test } from 'vitest'
import { VALUE_SETS } from './chart-files.ts'
import { NO_HELM, render } from './helm.ts'
import {
  at,
  container,
  deployment,
  type Labels,
  ofKind,
  selects,
  variables,
  type Workload,
  workloads,
} from './release.ts'

beforeEach(({ skip }) => skip(NO_HELM !== undefined, NO_HELM))

interface Rule {
  readonly ports: readonly { readonly port: number; readonly protocol: string }[]
  readonly from?: readonly unknown[]
  readonly to?: readonly unknown[]
}

const number = (text: string | undefined, fallback: number): number => (text === undefined ? fallback : Number(text))

/** Seconds of a pod's end by the tier's own settings: preStop, drain, margin. */
function endSeconds(workload: Workload): { preStop: number; drain: number; margin: number } {
  const { lifecycle, ...rest } = container(workload)
  const env = variables(rest as never)
  const [drain, margin] = workload.metadata.name.endsWith('router')
    ? [env.SLUICE_ROUTER_DRAIN_MS, env.SLUICE_ROUTER_DRAIN_MARGIN_MS]
    : [env.SLUICE_DRAIN_WINDOW_MS, env.SLUICE_DRAIN_MARGIN_MS]
  return {
    preStop: lifecycle?.preStop.sleep.seconds ?? 0,
    drain: number(drain, Number.NaN) / 1000,
    margin: number(margin, 10_000) / 1000,
  }
}

describe.each(VALUE_SETS)('with the %s values', (set) => {
  const tiers = (): Workload[] => ofKind(render(set), 'Deployment') as Workload[]

  test('the grace period is longer than preStop, drain and margin together', () => {
    for (const workload of tiers()) {
      const { preStop, drain, margin } = endSeconds(workload)
      const grace = workload.spec.template.spec.terminationGracePeriodSeconds ?? 0
      expect(grace, workload.metadata.name).toBeGreaterThanOrEqual(preStop + drain + margin + 10)
      expect(workload.spec.progressDeadlineSeconds).toBeGreaterThan(grace)
    }
  })

  test('a disruption budget leaves a pod, and lets go of those that are not ready', () => {
    for (const budget of ofKind(render(set), 'PodDisruptionBudget')) {
      const tier = budget.metadata.labels?.['app.kubernetes.io/component'] ?? ''
      const [scaler] = [
        ...ofKind(render(set), 'HorizontalPodAutoscaler', tier),
        ...ofKind(render(set), 'ScaledObject', tier),
      ]
      const least =
        deployment(render(set), tier).spec.replicas ??
        at(scaler, 'spec.minReplicas') ??
        at(scaler, 'spec.minReplicaCount')
      const max = at(budget, 'spec.maxUnavailable') as number | string
      expect(least).toBeGreaterThan(1)
      // Kubernetes rounds a percentage up.
      const pods = typeof max === 'number' ? max : Math.ceil((Number.parseInt(max, 10) / 100) * (least as number))
      expect(pods).toBeLessThan(least as number)
      expect(at(budget, 'spec.unhealthyPodEvictionPolicy')).toBe('AlwaysAllow')
    }
  })

  test('who is scaled has no number of pods of its own, and is scaled on its own', () => {
    const scalers = [...ofKind(render(set), 'HorizontalPodAutoscaler'), ...ofKind(render(set), 'ScaledObject')]
    const scaled = scalers.map((scaler) => at(scaler, 'spec.scaleTargetRef.name'))
    expect(new Set(scaled).size).toBe(scaled.length)
    for (const { metadata, spec } of tiers()) expect(spec.replicas === undefined).toBe(scaled.includes(metadata.name))
  })

  test('ports of probes, Service, policies and settings are the same', () => {
    for (const workload of tiers()) {
      const { ports, livenessProbe, readinessProbe, ...rest } = container(workload)
      const env = variables(rest as never)
      const named = Object.fromEntries(ports.map(({ name, containerPort }) => [name, String(containerPort)]))
      const router = workload.metadata.name.endsWith('router')
      expect(named).toEqual(
        router
          ? { admin: env.SLUICE_ROUTER_ADMIN_PORT }
          : { http: env.SLUICE_LISTEN_PORT, admin: env.SLUICE_ADMIN_PORT },
      )
      expect([livenessProbe.httpGet, readinessProbe.httpGet]).toEqual([
        { path: '/livez', port: 'admin' },
        { path: '/readyz', port: 'admin' },
      ])
      const [policy] = ofKind(render(set), 'NetworkPolicy', router ? 'router' : 'gateway')
      const open = (at(policy, 'spec.ingress') as Rule[]).flatMap((rule) => rule.ports.map(({ port }) => String(port)))
      expect(open.sort()).toEqual(Object.values(named).sort())
    }
  })

  test('selectors choose the pods of their tier and no others', () => {
    const objects = render(set)
    const pods = workloads(objects).map(({ metadata, spec }) => ({ of: metadata.name, ...spec.template.metadata }))
    const chosen = (labels: Labels): string[] => pods.filter((pod) => selects(labels, pod.labels)).map(({ of }) => of)
    for (const { metadata, spec } of workloads(objects)) {
      expect(chosen(spec.selector.matchLabels)).toEqual([metadata.name])
    }
    for (const service of ofKind(objects, 'Service'))
      expect(chosen(at(service, 'spec.selector') as Labels)).toEqual([service.metadata.name])
    for (const kind of ['PodDisruptionBudget', 'PodMonitor'])
      for (const object of ofKind(objects, kind))
        expect(chosen(at(object, 'spec.selector.matchLabels') as Labels)).toEqual([object.metadata.name])
    for (const policy of ofKind(objects, 'NetworkPolicy'))
      expect(chosen(at(policy, 'spec.podSelector.matchLabels') as Labels)).toEqual([policy.metadata.name])
  })

  test('routes lead to the Service, on a port and a path that are there', () => {
    const objects = render(set)
    const [service] = ofKind(objects, 'Service', 'gateway')
    const path = variables(container(deployment(objects, 'gateway'))).SLUICE_LISTEN_PATH
    for (const ingress of ofKind(objects, 'Ingress')) {
      const rules = at(ingress, 'spec.rules') as { http: { paths: { path: string; backend: unknown }[] } }[]
      for (const { http } of rules)
        expect(http.paths.map(({ path, backend }) => ({ path, backend }))).toEqual([
          { path, backend: { service: { name: service?.metadata.name, port: { name: 'http' } } } },
        ])
    }
    for (const route of ofKind(objects, 'HTTPRoute')) {
      const [rule] = at(route, 'spec.rules') as { matches: unknown; backendRefs: unknown }[]
      const [port] = at(service, 'spec.ports') as { port: number }[]
      expect(rule).toMatchObject({
        matches: [{ path: { type: 'PathPrefix', value: path } }],
        backendRefs: [{ name: service?.metadata.name, port: port?.port }],
      })
    }
  })

  test('pods keep to the restricted Pod Security level, have no token of Kubernetes and write nowhere', () => {
    for (const { spec } of workloads(render(set))) {
      const pod = spec.template.spec
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      for (const { securityContext } of pod.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      for (const volume of pod.volumes)
        expect(Object.keys(volume).every((key) => ['name', 'secret', 'configMap', 'emptyDir'].includes(key))).toBe(true)
    }
  })

  test('secrets come as files, never as variables', () => {
    for (const workload of tiers()) {
      const one = container(workload)
      for (const [name, value] of Object.entries(variables(one)).filter(([name]) => name.endsWith('_FILE'))) {
        const folder = value.slice(0, value.lastIndexOf('/'))
        const mount = one.volumeMounts.find(({ mountPath }) => mountPath === folder)
        const volume = workload.spec.template.spec.volumes.find((volume) => volume.name === mount?.name)
        expect(volume?.secret?.secretName, name).toBeTruthy()
        const items = volume?.secret?.items
        if (items !== undefined) expect(items.map(({ path }) => `${folder}/${path}`)).toContain(value)
      }
      expect(
        Object.keys(variables(one)).filter((name) => /_(SECRET|PASSWORD|TOKEN|SECRET_PREVIOUS)$/.test(name)),
      ).toEqual([])
    }
  })

  test('the heap of V8 follows from the memory limit', () => {
    for (const workload of tiers()) {
      const one = container(workload)
      expect(one.resources.limits?.memory).toBeTruthy()
      expect(variables(one).NODE_OPTIONS).toMatch(/^--max-old-space-size-percentage=\d\d$/)
    }
  })

  test('pods reach NATS, DNS and the key set, and nothing else of themselves', () => {
    for (const tier of ['gateway', 'router']) {
      const [policy] = ofKind(render(set), 'NetworkPolicy', tier)
      if (policy === undefined) continue
      const env = variables(container(deployment(render(set), tier)))
      const wanted = (env.SLUICE_NATS_URL ?? '').split(',').map((url) => Number(/:(\d+)$/.exec(url)?.[1] ?? 4222))
      const jwks = env.SLUICE_AUTH_JWKS_URL
      if (jwks !== undefined) wanted.push(Number(new URL(jwks).port || (jwks.startsWith('https:') ? 443 : 80)))
      const rules = at(policy, 'spec.egress') as Rule[]
      const own = rules.flatMap(({ ports }) => ports.map(({ port }) => port)).filter((port) => port !== 4318)
      expect([...new Set(own)].sort()).toEqual([...new Set([53, ...wanted])].sort())
    }
  })
})

describe('the grace period', () => {
  test.each([
    ['minimal', 'gateway', 5 + 30 + 20],
    ['minimal', 'router', 10 + 20],
    ['full', 'gateway', 15 + 120 + 20 + 10],
    ['full', 'router', 20 + 16 + 10],
  ])('with the %s values is, for a %s, %i seconds', (set, tier, seconds) => {
    expect(deployment(render(set), tier).spec.template.spec.terminationGracePeriodSeconds).toBe(seconds)
  })
})

test('pods are taken away slowly: after 15 minutes of less, one in two minutes', () => {
  const hpas = ofKind(render('autoscaled'), 'HorizontalPodAutoscaler').map((hpa) => at(hpa, 'spec.behavior.scaleDown'))
  const keda = ofKind(render('keda'), 'ScaledObject').map((one) =>
    at(one, 'spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown'),
  )
  const slow = { stabilizationWindowSeconds: 900, policies: [{ type: 'Pods', value: 1, periodSeconds: 120 }] }
  expect([...hpas, ...keda]).toEqual([slow, slow, slow, slow])
})

test('a gateway without its own origins refuses browsers, and none is given unless written', () => {
  expect(variables(container(deployment(render('minimal'), 'gateway'))).SLUICE_ACCEPT_ORIGINS).toBeUndefined()
  expect(variables(container(deployment(render('embedded'), 'gateway'))).SLUICE_ACCEPT_ORIGINS).toBe('*')
})

test('pods of gateways are reached by everyone only where nobody is named', () => {
  const from = (set: string): unknown => at(ofKind(render(set), 'NetworkPolicy', 'gateway')[0], 'spec.ingress.0.from')
  expect(from('minimal')).toBeUndefined()
  expect(from('full')).toHaveLength(1)
})

test('nats-server of the chart is reached by the tiers that run, and by whom natsFrom names', () => {
  const from = (set: string, ...flags: string[]): unknown =>
    at(ofKind(render(set, ...flags), 'NetworkPolicy', 'nats')[0], 'spec.ingress.0.from')
  expect(from('minimal')).toBeUndefined()
  expect(from('embedded')).toHaveLength(2)
  expect(from('embedded-volume')).toHaveLength(1)
  expect(from('embedded', '--set-json=networkPolicy.natsFrom=[{"podSelector":{}}]')).toHaveLength(3)
})
