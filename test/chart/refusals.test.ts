// What the chart refuses, and what it says: values that its schema does not know, and values that cannot be together.
import { beforeEach, describe, expect, test } from 'vitest'
import { VALUE_SETS, valuesFile } from './chart-files.ts'
import { helm, NO_HELM, notes } from './helm.ts'

beforeEach(({ skip }) => skip(NO_HELM !== undefined, NO_HELM))

function rendering(set: string, ...flags: string[]): ReturnType<typeof helm> {
  return helm(['template', 'live'], '--values', valuesFile(set), ...flags)
}

describe('the schema refuses', () => {
  test.each([
    ['an unknown value', 'replicas=3'],
    ['an unknown value of a tier', 'gateway.replicas=3'],
    ['an unknown value deep inside', 'router.autoscaling.keda.servers=a'],
    ['an unknown setting', 'config.limits.roomMax=3'],
    ['an unknown section of settings', 'config.sockets.max=3'],
    ['a setting outside of its bounds', 'config.limits.roomsMax=0'],
    ['a setting that has a value of its own', 'config.nats.prefix=other'],
    ['an unknown key of a namespace', 'namespaces.chat.presense=true'],
    ['text for a number', 'gateway.replicaCount=many'],
    ['a tier without pods', 'gateway.replicaCount=0'],
    ['an address of NATS with a password', 'nats.url=nats://me:secret@nats:4222'],
    ['an address of NATS of another kind', 'nats.url=http://nats:4222'],
    ['an origin with a path', 'gateway.origins[0]=https://app.example.com/chat'],
    ['a path without its slash', 'gateway.path=ws'],
    ['a digest that is none', 'image.digest=latest'],
    ['a setting as a variable', 'gateway.extraEnv[0].name=SLUICE_LIMITS_ROOMS_MAX'],
    ['options of Node as a variable', 'router.extraEnv[0].name=NODE_OPTIONS'],
    ['a label that selectors stand on', 'gateway.podLabels.app\\.kubernetes\\.io/component=x'],
    ['an unknown kind of autoscaling', 'gateway.autoscaling.kind=vpa'],
    ['an unknown type of credentials', 'nats.auth.type=jwt'],
  ])('%s', (_, value) => {
    const { ok, output } = rendering('minimal', '--set', value)
    expect(ok).toBe(false)
    expect(output).toContain("values don't meet the specifications of the schema")
  })
})

test('the schema refuses an empty peer, which would be everyone', () => {
  expect(rendering('minimal', '--set-json', 'networkPolicy.clientsFrom=[{}]').ok).toBe(false)
})

describe('the chart says', () => {
  test.each([
    ['where NATS is to be told', 'nats.url=', 'set nats.url'],
    ['that NATS is either its own or another', 'nats.embedded.enabled=true', 'not both'],
    ['that tokens have one source of keys', 'auth.existingSecret=tokens', 'not both'],
    ['that a previous secret needs one', 'auth.previousSecret=true', 'not both'],
    ['that a budget must leave a pod', 'gateway.podDisruptionBudget.maxUnavailable=3', 'must be below'],
    [
      'that a budget must leave a pod, percentages rounded up',
      'gateway.podDisruptionBudget.maxUnavailable=70%',
      'must be below',
    ],
    ['that an Ingress needs a host', 'ingress.enabled=true', 'ingress.hosts'],
    ['that a route needs a Gateway', 'httpRoute.enabled=true', 'httpRoute.parentRefs'],
  ])('%s', (_, value, sentence) => {
    const { ok, output } = rendering('minimal', '--set', value)
    expect(ok).toBe(false)
    expect(output).toContain(sentence)
  })

  test('that autoscaling needs something to follow, and bounds in order', () => {
    const nothing = [
      '--set',
      'gateway.autoscaling.targetCPUUtilizationPercentage=0,gateway.autoscaling.podMetric.target=0',
    ]
    expect(rendering('autoscaled', ...nothing).output).toContain('needs targetCPUUtilizationPercentage or podMetric')
    const bounds = ['--set', 'router.autoscaling.minReplicas=9']
    expect(rendering('autoscaled', ...bounds).output).toContain('minReplicas is above maxReplicas')
    const keda = ['--set', 'gateway.autoscaling.keda.serverAddress=']
    expect(rendering('keda', ...keda).output).toContain('keda.serverAddress is needed')
  })

  test('that its own NATS has no credentials', () => {
    const { output } = rendering('embedded', '--set', 'nats.existingSecret=users')
    expect(output).toContain('neither credentials nor TLS')
  })
})

describe('the notes', () => {
  test.each(VALUE_SETS)('of the %s values say what to watch', (set) => {
    expect(notes(set)).toMatch(/rollout status deployment\/\S+-gateway/)
  })

  test('give the command for the Secret that pods wait for', () => {
    const text = notes('embedded')
    expect(text).toContain('kubectl -n realtime create secret generic live-jwt --from-literal=secret=')
    expect(text).toContain('NOT FOR PRODUCTION')
    expect(notes('minimal')).not.toContain('create secret')
  })

  test('warn of what is easily forgotten', () => {
    expect(notes('minimal')).toContain('No page may connect yet')
    expect(notes('minimal', '--set', 'ingress.enabled=true,ingress.hosts={a.example.com}')).toContain('trustedProxies')
    expect(notes('gateway-api')).not.toContain('trustedProxies')
    expect(notes('minimal')).toContain('networkPolicy.clientsFrom')
  })
})
