// Everything that the chart renders from each set of values: helm's own lint, and every object against the models of Kubernetes and its
// extensions, in which an unknown field is an error.
import { beforeEach, describe, expect, test } from 'vitest'
import { VALUE_SETS, valuesFile } from './chart-files.ts'
import { helm, type Manifest, NO_HELM, render } from './helm.ts'
import { brokenValues, unknownFields } from './object-models.ts'

beforeEach(({ skip }) => skip(NO_HELM !== undefined, NO_HELM))

test('helm finds nothing to complain about in the chart', () => {
  const { ok, output } = helm(['lint', '--strict'])
  expect(ok, output).toBe(true)
})

describe.each(VALUE_SETS)('with the %s values', (set) => {
  test('helm finds nothing to complain about', () => {
    const { ok, output } = helm(['lint', '--strict'], '--values', valuesFile(set))
    expect(ok, output).toBe(true)
  })

  test('no object has a field that does not exist', () => {
    expect(unknownFields(render(set))).toBe('')
  })

  test('no object has a value that its field does not take', async () => {
    for (const object of render(set)) expect(await brokenValues(object), `${object.kind}`).toBeNull()
  })

  test('every object has a name of its own, and the labels by which tools find it', () => {
    const objects = render(set)
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { metadata } of objects) {
      expect(metadata.name).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/)
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/instance': 'live',
        'app.kubernetes.io/managed-by': 'Helm',
      })
    }
  })
})

describe('the check itself', () => {
  const route = (spec: object): Manifest => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'a' },
    spec,
  })

  test('finds an unknown field deep in an object of an extension', () => {
    const wrong = route({ rules: [{ backendRefs: [{ name: 'a', port: 80, prot: 1 }] }] })
    expect(unknownFields([wrong])).toContain(`'"prot"' does not exist`)
  })

  test('finds an unknown field of Kubernetes', () => {
    const policy = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'a' },
      spec: { maxUnavailable: 1, unhealthyPodEviction: 'AlwaysAllow' },
    }
    expect(unknownFields([policy])).toContain(`'"unhealthyPodEviction"' does not exist`)
  })

  test('finds what is missing', async () => {
    const empty = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { replicas: 1 } }
    expect(await brokenValues(empty)).toContain('selector')
  })
})
