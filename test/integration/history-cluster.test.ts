// Histories on three NATS servers, where interest, acknowledgements and copies take their own ways: what is published through another
// server right after a join is there, and what was acknowledged is there whoever leads the stream.
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect } from 'vitest'
import type { Client, Frame } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { brokenLinks, messagesOf, publishSteadily, readAll } from '../harness/history.ts'
import { store } from '../harness/history-stream.ts'
import type { NatsServer } from '../harness/nats.ts'
import { type ClusterNode, type NatsCluster, startNatsCluster } from '../harness/nats-cluster.ts'
import { type Stage, test } from '../harness/stage.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const namespaces = { chat: { ...open, history: { messages: 20_000, seconds: 3600 } } }
const STREAM = 'SLUICE_HISTORY_chat'

/** A cluster with a router, whose stream is there and has a leader. */
async function start(
  stage: Stage,
): Promise<{ cluster: NatsCluster; gatewayAt(node: ClusterNode): Promise<GatewayProcess> }> {
  const cluster = stage.use(await startNatsCluster())
  // Each is started with one address: the servers tell the others.
  const at = ({ url }: ClusterNode) => ({ url }) as NatsServer
  await stage.router(at(cluster.nodes[2]), {
    SLUICE_NAMESPACES: JSON.stringify(namespaces),
    SLUICE_ROUTER_REPLICAS: '3',
  })
  const settings = { ...DEFAULT_SETTINGS, namespaces }
  return { cluster, gatewayAt: (node) => stage.gateway(at(node), { settings }) }
}

describe('on three servers', () => {
  test('what is published through another server right after a join is answered is heard, a thousand times', {
    timeout: 120_000,
  }, async ({ stage }) => {
    const { cluster, gatewayAt } = await start(stage)
    const { config } = (await cluster.api(`STREAM.INFO.${STREAM}`, {})) as { config: { num_replicas: number } }
    expect(config.num_replicas).toBe(3)
    const leader = await cluster.leaderOf(STREAM)
    const [follower] = (await cluster.followersOf(STREAM)) as [ClusterNode]
    const gateway = await gatewayAt(follower)
    const clients = await Promise.all(Array.from({ length: 10 }, (_, at) => stage.user(gateway, `ann${at}`)))
    const service = await leader.connect()
    const joinAndPublish = async (at: number) => {
      const client = clients[at % clients.length] as Client
      const room = `room${at}`
      await client.ok({ type: 'join', room: `chat:${room}` }, 20_000)
      const offset = await store(service, { subject: `sluice.pub.room.chat.${room}`, data: `${at}` })
      return { client, room: `chat:${room}`, offset }
    }
    const told: Awaited<ReturnType<typeof joinAndPublish>>[] = []
    for (let batch = 0; batch < 20; batch++) {
      // The server that republishes hears of the interest late, and of the publish at the same moment if anyone says that it may come.
      leader.freeze()
      const joins = Array.from({ length: 50 }, (_, at) => joinAndPublish(batch * 50 + at))
      await pause(50)
      leader.thaw()
      told.push(...(await Promise.all(joins)))
    }
    const heard = ({ client, room, offset }: (typeof told)[0]): boolean =>
      messagesOf(client, room).some((message) => message.offset === offset)
    // A sweep would find what was lost some seconds later: it must not have been.
    await eventually(() => told.filter((one) => !heard(one)).length, 3000).toBe(0)
    expect((await gateway.metrics()).value('history_repairs_total', { result: 'repaired' })).toBe(0)
    expect(told.flatMap(({ client, room }) => brokenLinks(messagesOf(client, room), 0))).toEqual([])
  })

  test('a leader that dies under traffic takes nothing along that was acknowledged, and breaks nobody’s chain', {
    timeout: 120_000,
  }, async ({ stage }) => {
    const { cluster, gatewayAt } = await start(stage)
    const gateways = await Promise.all([gatewayAt(cluster.nodes[0]), gatewayAt(cluster.nodes[1])])
    const [ann, ben] = (await Promise.all(
      gateways.map((gateway, at) => stage.user(gateway, ['ann', 'ben'][at] as string)),
    )) as [Client, Client]
    for (const client of [ann, ben]) await client.ok({ type: 'join', room: 'chat:led' }, 20_000)
    const floods = [ann, ben].map((client, at) =>
      publishSteadily(client, 'chat:led', { everyMs: 20, fields: (n) => ({ key: `${at}-${n}` }) }),
    )
    for (let kills = 0; kills < 2; kills++) {
      const heard = messagesOf(ben, 'chat:led').length
      await eventually(() => messagesOf(ben, 'chat:led').length, 30_000).toBeGreaterThan(heard + 50)
      const leader = await cluster.leaderOf(STREAM)
      await leader.kill()
      await pause(1000)
      await leader.start()
    }
    const heard = messagesOf(ben, 'chat:led').length
    await eventually(() => messagesOf(ben, 'chat:led').length, 30_000).toBeGreaterThan(heard + 50)
    const published = (await Promise.all(floods.map((flood) => flood.stop()))).flat()
    const oks = published.filter(({ answer }) => answer.type === 'ok')
    expect(oks.length).toBeGreaterThan(published.length / 2)

    const stored = await readAll(ann, 'chat:led')
    const keys = stored.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    const byOffset = new Map(stored.map((message: Frame) => [message.offset, message.data]))
    const untrue = oks.filter(({ n, answer }) => byOffset.get(answer.offset) !== n)
    expect(untrue).toEqual([])
    for (const client of [ann, ben]) {
      await eventually(() => messagesOf(client, 'chat:led').map(({ offset }) => offset), 30_000).toEqual([
        ...byOffset.keys(),
      ])
      expect(brokenLinks(messagesOf(client, 'chat:led'), 0)).toEqual([])
      expect(client.frames.filter(({ type }) => type === 'gap')).toEqual([])
    }
  })
})
