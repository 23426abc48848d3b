// `move` by control: connections of one gateway are asked to go elsewhere, and closed if they do not.
import { createSubjects, decodeControlAnswer, encodeControl, type GatewayId } from '@sluice/proto'
import { expect } from 'vitest'
import { test } from '../harness/stage.ts'
import { until } from '../harness/until.ts'

test('a gateway that is told to asks some of its clients to move, spread over the window, and closes them after it', async ({
  stage,
}) => {
  const nats = await stage.nats()
  const settings = { namespaces: { default: { join: { who: 'anyone' }, presence: true } } }
  await stage.router(nats, { SLUICE_NAMESPACES: JSON.stringify(settings.namespaces) })
  const gateway = await stage.gateway(nats, { settings })
  const clients = await Promise.all(Array.from({ length: 6 }, (_, n) => stage.user(gateway, `user-${n}`)))
  const id = clients[0]?.frames[0]?.gateway as GatewayId
  const client = await nats.connect()
  const control = encodeControl({ verb: 'move', connections: 4, windowMs: 1500, reason: 'rebalance' })
  const startedAt = performance.now()
  const reply = await client.request(createSubjects('sluice').control(id), control)
  expect(decodeControlAnswer(reply.data)).toEqual({ connections: 4, gateway: id })
  // Which four is the gateway's choice: who signs in at once is registered in any order.
  await until(() => clients.filter(isAsked).length === 4, { what: 'four that are asked' })
  const moved = clients.filter(isAsked)
  for (const one of moved) expect(await one.closed).toEqual({ code: 1012, reason: 'rebalance' })
  expect(performance.now() - startedAt).toBeGreaterThan(1000)
  for (const { frames } of moved) expect(frames.at(-1)).toEqual({ type: 'move', afterMs: 500, reason: 'rebalance' })
  const stayed = clients.filter((one) => !moved.includes(one))
  for (const one of stayed) await one.ok({ type: 'join', room: 'lobby' })
  expect(stayed.filter(isAsked)).toEqual([])
})

function isAsked(client: { frames: readonly { type?: unknown }[] }): boolean {
  return client.frames.some(({ type }) => type === 'move')
}
