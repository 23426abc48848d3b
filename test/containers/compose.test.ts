// deploy/compose.yaml: what it says holds together, and NATS, gateways and routers of it run as they are. Prometheus and Grafana are checked
// by what is mounted and asked; they are not started, as their images are none of ours.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { describe, expect, test as plain } from 'vitest'
import { freePorts } from '../harness/ports.ts'
import { Stage, test as staged } from '../harness/stage.ts'
import { SECRET } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'
import { run } from './command.ts'
import { ENGINE_MISSING } from './containers.ts'
import { imageOfTree } from './image.ts'
import { ownerLabels } from './owner.ts'

const DEPLOY = resolve(import.meta.dirname, '../../deploy')
const OURS = ['nats-1', 'nats-2', 'nats-3', 'router-1', 'router-2', 'gateway-1', 'gateway-2']
const UP_MS = 120_000

/** The compose command that is here: the plugin of docker, else the program; null where none is. */
async function findCompose(): Promise<readonly [string, ...string[]] | null> {
  for (const command of [['docker', 'compose'], ['docker-compose']] as [string, ...string[]][]) {
    const works = await run([...command, 'version']).catch(() => null)
    if (works !== null) return command
  }
  return null
}

interface Compose {
  run(...args: readonly string[]): Promise<string[]>
  readonly ports: { readonly nats: number; readonly gateways: readonly [number, number] }
}

/** Compose with ports of this test and the image of this tree; everything is removed with the stage. */
async function startCompose(stage: Stage, command: readonly [string, ...string[]]): Promise<Compose> {
  const [nats = 0, one = 0, two = 0] = await freePorts(3)
  const env = {
    SLUICE_IMAGE: await imageOfTree(),
    SLUICE_AUTH_SECRET: SECRET,
    SLUICE_NATS_PORT: `${nats}`,
    SLUICE_GATEWAY_1_PORT: `${one}`,
    SLUICE_GATEWAY_2_PORT: `${two}`,
  }
  const labels = ownerLabels()
  const labelled = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, { labels }]))
  const owned = join(stage.folder(), 'owned.json')
  writeFileSync(
    owned,
    JSON.stringify({
      services: labelled(OURS),
      volumes: labelled(['nats-1', 'nats-2', 'nats-3']),
      networks: labelled(['default']),
    }),
  )
  const files = ['--file', join(DEPLOY, 'compose.yaml'), '--file', owned]
  const compose: Compose = {
    run: (...args) =>
      run([...command, '--project-name', `sluice-compose-${process.pid}`, ...files, ...args], {
        env,
        timeoutMs: UP_MS,
      }),
    ports: { nats, gateways: [one, two] },
  }
  stage.use({ [Symbol.asyncDispose]: async () => void (await compose.run('down', '--volumes', '--timeout', '1')) })
  return compose
}

/** What Prometheus asks. */
function targets(): string[] {
  const text = readFileSync(join(DEPLOY, 'compose/prometheus.yaml'), 'utf8')
  return [...text.matchAll(/targets: \[(.*)\]/g)].flatMap(([, list = '']) => list.split(', '))
}

const test = staged
  .extend('command', { scope: 'file' }, (): ReturnType<typeof findCompose> => findCompose())
  // The stage of a test would end it behind the first one.
  .extend('compose', { scope: 'file' }, async ({ command }, { onCleanup }): Promise<Compose | null> => {
    if (ENGINE_MISSING !== '' || command === null) return null
    const own = new Stage()
    onCleanup(() => own[Symbol.asyncDispose]())
    return startCompose(own, command)
  })
  .extend('up', ({ compose, skip }): Compose => compose ?? skip(ENGINE_MISSING || 'no docker compose is here'))

describe('deploy/compose.yaml', () => {
  test('is valid, and refuses to start without a secret', async ({ up, command }) => {
    const services = (await up.run('config', '--services')).filter((line) => /^[a-z]+(-\d)?$/.test(line))
    expect(services.sort()).toEqual([...OURS, 'prometheus', 'grafana'].sort())
    const [program = 'docker', ...rest] = command ?? []
    const without = run([program, ...rest, '--file', join(DEPLOY, 'compose.yaml'), 'config'])
    await expect(without).rejects.toThrow('SLUICE_AUTH_SECRET')
  })

  test('runs a cluster that keeps three copies, whose gateways share rooms and presence', async ({ stage, up }) => {
    await up.run('up', '--detach', '--no-build', ...OURS)
    const [one, two] = up.ports.gateways.map((port) => ({ url: `ws://127.0.0.1:${port}/ws` }))
    if (one === undefined || two === undefined) throw new Error('no ports')
    // A gateway listens before it has NATS, and closes 1013 until then.
    const patient = { timeoutMs: UP_MS, everyMs: 200 }
    const ann = await until(() => stage.user(one, 'ann'), { ...patient, what: 'the first gateway' })
    const ben = await until(() => stage.user(two, 'ben'), { ...patient, what: 'the second gateway' })
    await ann.ok({ type: 'join', room: 'chat:lobby', presence: true }, 20_000)
    await ben.ok({ type: 'join', room: 'chat:lobby', presence: true }, 20_000)
    expect(await ben.ok({ type: 'publish', room: 'chat:lobby', data: 'hi' })).toMatchObject({
      offset: expect.any(Number),
    })
    expect(await ann.message()).toMatchObject({ data: 'hi', from: 'ben' })
    expect(await ann.next(({ type }) => type === 'joined')).toMatchObject({ member: { user: 'ben' } })

    const service = await connect({ servers: `127.0.0.1:${up.ports.nats}` })
    stage.use({ [Symbol.asyncDispose]: () => service.close() })
    const info = await service.request('$JS.API.STREAM.INFO.SLUICE_HISTORY_chat')
    expect(info.json()).toMatchObject({ config: { num_replicas: 3 } })
  })

  test('has Prometheus ask each gateway and router where it answers', async ({ up }) => {
    const ours = targets().filter((target) => !target.startsWith('localhost'))
    const script = `
      const targets = ${JSON.stringify(ours)}
      const answers = await Promise.all(targets.map((target) => fetch('http://' + target + '/metrics')))
      const texts = await Promise.all(answers.map((answer) => answer.text()))
      console.log(JSON.stringify(texts.map((text) => /sluice_(gateway|router)_build_info/.exec(text)?.[1])))`
    const said = await up.run('exec', '-T', 'gateway-1', 'node', '--input-type=module', '--eval', script)
    expect(JSON.parse(said.at(-1) ?? '')).toEqual(['gateway', 'gateway', 'router', 'router'])
  })

  test('ends gateways and routers with 0', async ({ up }) => {
    const tiers = OURS.filter((name) => !name.startsWith('nats'))
    await up.run('stop', ...tiers)
    const ids = (await Promise.all(tiers.map((name) => up.run('ps', '--quiet', '--all', name)))).flat()
    expect(ids).toHaveLength(tiers.length)
    expect(await run(['docker', 'inspect', '--format', '{{.State.ExitCode}}', ...(ids as [string])])).toEqual(
      tiers.map(() => '0'),
    )
  })
})

plain('Grafana finds its data source and its dashboards where deploy/compose.yaml puts them', () => {
  const read = (path: string): string => readFileSync(join(DEPLOY, path), 'utf8')
  const compose = read('compose.yaml')
  const folder = /path: (\S+)/.exec(read('compose/grafana/dashboards/sluice.yaml'))?.[1]
  expect(compose).toContain(`- ./chart/dashboards:${folder}:ro`)
  for (const kind of ['datasources', 'dashboards']) {
    expect(compose).toContain(`- ./compose/grafana/${kind}:/etc/grafana/provisioning/${kind}:ro`)
  }
  expect(read('compose/grafana/datasources/prometheus.yaml')).toContain('url: http://prometheus:9090')
  expect(compose).toContain('./compose/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro')
  const rules = /rule_files: \[(\S+)\/sluice\.yaml\]/.exec(read('compose/prometheus.yaml'))?.[1]
  expect(read('chart/alerts/sluice.yaml')).toContain('SluiceGatewaysGone')
  expect(compose).toContain(`- ./chart/alerts:${rules}:ro`)
})
