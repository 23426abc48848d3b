// Thousands who come back at once: into a room that everyone publishes into, and to the one gateway that is left. Sockets are light ones
// of this process.
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { loseGateway } from '../harness/gateway-loss.ts'
import { historyCluster } from '../harness/history.ts'
import { type CrowdPosition, CrowdSocket, forEachOf } from '../harness/history-crowd.ts'
import { storeAll } from '../harness/history-stream.ts'
import { type Stage, test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const open = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const SETTINGS = { namespaces: { chat: { ...open, history: { messages: 20_000, seconds: 3600 } } } }

/** Connections of one user, below the limit. */
const PER_USER = 20
const AT_ONCE = 64

async function tokensFor(sockets: number): Promise<string[]> {
  const users = Array.from({ length: Math.ceil(sockets / PER_USER) }, (_, at) => makeToken(`crowd${at}`))
  return Promise.all(users)
}

/** Opens sockets that are ended with the stage. */
async function openCrowd(
  stage: Stage,
  {
    ports,
    tokens,
    positions,
  }: { ports: readonly number[]; tokens: readonly string[]; positions: readonly CrowdPosition[] },
): Promise<CrowdSocket[]> {
  const sockets: CrowdSocket[] = []
  stage.use({
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.end()
    },
  })
  await forEachOf(positions, AT_ONCE, async (position, at) => {
    const port = ports[at % ports.length] as number
    sockets[at] = await CrowdSocket.open(port, tokens[Math.floor(at / PER_USER)] as string, position)
  })
  return sockets
}

const wrongOf = (sockets: readonly CrowdSocket[]): string[] => sockets.flatMap(({ wrong }) => wrong)

test('a thousand who recover a room that gets a thousand messages a second miss nothing and hear nothing twice', {
  timeout: 120_000,
}, async ({ stage }) => {
  const { nats, gateways } = await historyCluster(stage, { settings: SETTINGS })
  const ann = await stage.user(gateways[0] as GatewayProcess, 'ann')
  const { epoch, offset } = await ann.ok({ type: 'join', room: 'chat:storm' })
  await ann.leave()
  const position = { epoch: String(epoch), offset: Number(offset) }
  const positions = Array.from({ length: 1000 }, () => position)
  const ports = gateways.map(({ port }) => port)
  const sockets = await openCrowd(stage, { ports, tokens: await tokensFor(positions.length), positions })

  const service = await nats.connect()
  const subject = 'sluice.pub.room.chat.storm'
  let published = 0
  const flood = (async () => {
    const startedAt = performance.now()
    for (let elapsed = 0; elapsed < FLOOD_MS; elapsed = performance.now() - startedAt) {
      const due = Math.floor(elapsed * PER_MS) - published
      await storeAll(
        service,
        Array.from({ length: due }, (_, n) => ({ subject, data: `${published + n}` })),
      )
      published += due
      await pause(10)
    }
  })()
  await pause(FLOOD_MS / 6)
  const answers = await forEachOf(sockets, 100, (socket) => socket.join('chat:storm', true))
  expect(answers.filter(({ recovered }) => recovered !== true)).toEqual([])
  await flood
  expect(published).toBeGreaterThan(FLOOD_MS * PER_MS * 0.9)
  const done = (): number => sockets.filter(({ count }) => count >= published).length
  await eventually(done, 60_000).toBe(sockets.length)
  expect(wrongOf(sockets)).toEqual([])
  expect(sockets.filter(({ count, closed }) => count !== published || closed)).toEqual([])
})

const FLOOD_MS = 3000
const PER_MS = 1

test('B6: five thousand who lose their gateway miss nothing, and cost one read for each room', {
  timeout: 120_000,
}, async ({ stage }) => {
  const loss = await loseGateway((resource) => stage.use(resource), { sockets: 5000, rooms: ROOMS, missed: 20 })
  expect(loss).toMatchObject({ unrecovered: 0, miscounted: 0, closed: 0, wrong: [] })
  // B6 to the letter: rooms + 2. A storm that takes longer than the pace of sweeps, on a slow machine, has sweeps in it.
  const sweeps = Math.floor(loss.elapsedMs / SWEEP_MS)
  expect(loss.sharedReads).toBeLessThanOrEqual(2 + sweeps)
  expect(loss.roomReads + loss.sharedReads).toBeLessThanOrEqual(ROOMS + 2 + sweeps)
  // What the leader is asked about the stream itself: with each of the shared reads, and as evidence, about once in a second of reading.
  expect(loss.stateReads).toBeLessThanOrEqual(4 + loss.elapsedMs / 1000)
})

/** See gateway/src/history/logs.ts. */
const SWEEP_MS = 15_000
const ROOMS = 250
