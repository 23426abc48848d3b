import { expect } from 'vitest'
import { leaks, secret } from '../harness/secrets.ts'
import { test } from '../harness/stage.ts'
import { makeSigningKey, makeToken } from '../harness/tokens.ts'

// Every test gateway's log is searched when it stops; this test provokes what others do not, at the most talkative level.
test('no token, secret or password is ever logged, however it was brought and whatever became of it', async ({
  stage,
}) => {
  const password = secret('a password of nats in the log test')
  const nats = await stage.nats({ users: [{ user: 'sluice', password }] })
  const gateway = await stage.gateway(nats, {
    settings: { nats: { user: 'sluice', password }, log: { level: 'trace' } },
    expectErrors: true,
  })
  const stranger = await makeSigningKey('stranger')
  const tokens = [
    await makeToken('ann'),
    await makeToken('ann', { ttlSeconds: -60 }),
    await makeToken('ann', { secret: secret('another secret of forty characters, not ours') }),
    await makeToken('a*'),
    await stranger.sign('ann'),
    secret('nonsense-instead-of-a-token'),
    secret(`${'x'.repeat(3000)}.very-long.token`),
  ]
  for (const token of tokens) {
    for (const by of ['header', 'subprotocol', 'query', 'frame'] as const) {
      const client = await stage.open(gateway, { token, by })
      if (token === tokens[0]) await client.welcome()
      else await client.closed
    }
    const signedIn = await stage.user(gateway, 'ann')
    await signedIn.request({ type: 'auth', token })
  }
  const payload = secret('a payload that is nobody’s business')
  const ann = await (await stage.user(gateway, 'ann')).join('chat:log')
  await ann.ok({ type: 'publish', room: 'chat:log', data: payload })
  ann.raw(payload)
  const service = await nats.connect({ user: 'sluice', pass: password })
  service.publish('sluice.room.chat.log', payload)
  await gateway.logged('a message from NATS was not delivered')
  await nats.stop()
  await gateway.logged('NATS is away')
  expect(leaks(gateway.child.lines)).toEqual([])
})
