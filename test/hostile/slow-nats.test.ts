// A NATS server that does not read: what clients publish meanwhile piles up in the gateway, which has to end somewhere.
import { expect } from 'vitest'
import { UNCONFIRMED_BYTES_MAX } from '../../service/src/nats/unconfirmed.ts'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { test } from '../harness/stage.ts'

const MiB = 1024 * 1024
const PUBLISHERS = 40
/** As many as one connection may have in flight: 150 MiB from all of them. */
const EACH = 64
const DATA = 'x'.repeat(60_000)
/** Frames that are being read, and what the collector has not come to. */
const SLACK_BYTES = 72 * MiB

test('what is written to a NATS that does not read is bounded: publishes are refused, and go on when it reads', async ({
  stage,
}) => {
  const nats = await stage.nats()
  const gateway = await stage.gateway(nats, { settings: { accept: { userConnectionsMax: 100 } } })
  const publishers = await Promise.all(Array.from({ length: PUBLISHERS }, () => stage.user(gateway, 'ann')))
  const warmUp = publishers.map((one) => one.ok({ type: 'publish', room: 'chat:x', data: DATA }, 20_000))
  await Promise.all(warmUp)
  const resident = async () => (await gateway.metrics()).value('process_resident_memory_bytes')
  const before = await resident()
  nats.freeze()
  for (const one of publishers) {
    for (let id = 1; id <= EACH; id++) one.send({ type: 'publish', id, room: 'chat:x', data: DATA })
  }
  const errors = ({ frames }: Client) => frames.filter(({ type }) => type === 'error')
  await eventually(() => publishers.flatMap(errors).length, 30_000).toBe(PUBLISHERS * EACH)
  const growth = (await resident()) - before
  nats.thaw()
  console.log(`${PUBLISHERS * EACH} publishes of 60 kB: resident +${(growth / MiB).toFixed(1)} MiB`)
  expect(new Set(publishers.flatMap(errors).map(({ code }) => code))).toEqual(new Set(['unavailable']))
  expect(growth).toBeLessThan(UNCONFIRMED_BYTES_MAX + SLACK_BYTES)
  const [ann] = publishers as [Client]
  await eventually(
    async () => (await ann.request({ type: 'publish', room: 'chat:x', data: 1 }, 8000)).type,
    20_000,
  ).toBe('ok')
})
