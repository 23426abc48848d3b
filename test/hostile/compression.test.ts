// What hostile or merely many clients can do with compression: bombs, truncated data, floods of both, and the memory of a connection.
import { constants, deflateRawSync } from 'node:zlib'
import { describe, expect } from 'vitest'
import { memoryOf, PROBED } from '../bench/presence/memory-of.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { OPCODE, RawSocket, type WireFrameOptions, wireFrame } from '../harness/raw-socket.ts'
import { type Stage, testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }
const SETTINGS = {
  compression: { enabled: true },
  accept: { userConnectionsMax: 10_000, unauthenticatedMax: 10_000 },
}
const test = testWithCluster({ settings: SETTINGS, env: PROBED })

const deflated = (data: string | Uint8Array): Buffer =>
  deflateRawSync(data, { level: 9, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
const compressed = (payload: Uint8Array, more: Partial<WireFrameOptions> = {}): Buffer =>
  wireFrame({ opcode: OPCODE.text, payload, reserved: 4, ...more })

const MiB = 1024 * 1024
/** 64 MiB of zeros, in about as many bytes as a frame may have. */
const large = deflated(Buffer.alloc(64 * MiB)).subarray(0, 65_000)
const PING = '{"id":1,"type":"ping"}'

async function upgraded(stage: Stage, gateway: GatewayProcess, token: string): Promise<RawSocket> {
  return stage.use(await RawSocket.upgrade(gateway.port, { ...OFFER, Authorization: `Bearer ${token}` }))
}

describe('a compressed message', () => {
  const bomb = deflated(Buffer.alloc(MiB))
  const cases: [string, number, string | null, Buffer[]][] = [
    ['of a megabyte of zeros', 1009, 'too_large', [compressed(bomb)]],
    ['of 64 MiB of zeros in as many bytes as a frame may have', 1009, 'too_large', [compressed(large)]],
    [
      'of compressed bombs',
      1009,
      'too_large',
      [compressed(deflated(Buffer.concat(Array.from({ length: 100 }, () => bomb))))],
    ],
    [
      'that is a bomb in parts',
      1009,
      'too_large',
      [
        compressed(bomb.subarray(0, 500), { fin: false }),
        wireFrame({ opcode: OPCODE.continuation, payload: bomb.subarray(500) }),
      ],
    ],
    ['that was cut off', 1007, 'malformed', [compressed(deflated(PING).subarray(0, -2))]],
    ['of bytes that are not compressed', 1007, 'malformed', [compressed(Buffer.from(PING))]],
    [
      'that says so again in its second part',
      1002,
      null,
      [compressed(deflated(PING), { fin: false }), compressed(Buffer.alloc(0), { opcode: OPCODE.continuation })],
    ],
  ]

  test.for(cases)('%s closes with %i, counted as %s', async ([, code, result, frames], { stage, cluster: { one } }) => {
    const count = async (): Promise<number> =>
      result === null ? 0 : (await one.metrics()).value('inflations_total', { result })
    const before = await count()
    const raw = await upgraded(stage, one, await makeToken('bomber'))
    raw.write(Buffer.concat(frames))
    expect(await raw.closeCode()).toBe(code)
    expect(await count()).toBe(before + (result === null ? 0 : 1))
  })
})

test('a hundred bombers at once are all closed, and others are served meanwhile', async ({
  stage,
  cluster: { one },
}) => {
  const ann = await (await stage.user(one, 'ann')).join('chat:bombs')
  const token = await makeToken('bombers')
  const bombers = await Promise.all(Array.from({ length: 100 }, () => upgraded(stage, one, token)))
  const bomb = compressed(large)
  for (const bomber of bombers) for (let at = 0; at < 5; at++) bomber.write(bomb)
  await ann.ok({ type: 'publish', room: 'chat:bombs', data: 1 })
  expect(await ann.message()).toMatchObject({ data: 1 })
  expect(await Promise.all(bombers.map((bomber) => bomber.closeCode(20_000)))).toEqual(bombers.map(() => 1009))
  await eventually(async () => (await one.metrics()).value('connections_compressed')).toBe(0)
})

test('who inflates much within its limits is held to its rate like anyone', async ({ stage, cluster: { two } }) => {
  const ann = await stage.user(two, 'ann')
  const raw = await upgraded(stage, two, await makeToken('inflater'))
  // Ten in a row that are no frames close; each costs one inflation of 64 KiB and comes in some 80 bytes.
  raw.write(Buffer.concat(Array.from({ length: 500 }, () => compressed(deflated(Buffer.alloc(65_000, 0x20))))))
  await ann.ok({ type: 'join', room: 'chat:held' })
  expect(await raw.closeCode(20_000)).toBe(4000)
  // What comes behind the close is not inflated any more.
  expect((await two.metrics()).value('inflations_total', { result: 'inflated' })).toBeLessThan(100)
})

/** ws's own inflater keeps some 26 KiB for a connection, also without context. Ours none: what is allowed is for what grows by itself. */
const GROWTH_BYTES_MAX = 8 * 1024
const CONNECTIONS = 2000

test('a connection whose messages came compressed keeps nothing of it', async ({ stage, skip, cluster: { two } }) => {
  if (process.platform !== 'linux') skip('memory is read from /proc')
  const inflated = async (): Promise<number> => (await two.metrics()).value('inflations_total', { result: 'inflated' })
  const counted = await inflated()
  const token = await makeToken('many')
  const sockets: RawSocket[] = []
  while (sockets.length < CONNECTIONS)
    sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => upgraded(stage, two, token)))))
  let answers = 1
  const heard = async (frame: Buffer): Promise<number> => {
    for (const socket of sockets) socket.write(frame)
    answers++
    await eventually(() => sockets.filter(({ texts }) => texts.length < answers).length, 20_000).toBe(0)
    return (await memoryOf(two)).privateBytes
  }
  const message = `{"id":1,"type":"ping","padding":"${'some text '.repeat(400)}"}`
  const before = await heard(wireFrame({ opcode: OPCODE.text, payload: message }))
  const after = await heard(compressed(deflated(message)))
  expect((await inflated()) - counted).toBe(CONNECTIONS)
  expect((after - before) / CONNECTIONS).toBeLessThan(GROWTH_BYTES_MAX)
})
