// Questions to services over a real nats-server; the services are the test's.
import { createSubjects } from '@sluice/proto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { serve } from '../../../test/harness/service.ts'
import { createServiceAsks, type ServiceAsks } from './service-asks.ts'

const subject = createSubjects('sluice').authorizeConnect()

let nats: NatsServer
let link: Awaited<ReturnType<typeof openLink>>
let asks: ServiceAsks

beforeEach(async () => {
  nats = await startNats()
  link = await openLink(nats.url)
  asks = createServiceAsks({ backplane: link, payloadBytesMax: 1000, pendingMax: 3 })
})
afterEach(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const ask = (owner: object, waitMs = 2000) =>
  asks.ask({ owner, subject, payload: Buffer.from('1'), headers: [], waitMs })

describe('a question', () => {
  test('is answered by the first that answers, and by nobody where nobody listens', async () => {
    expect(await ask({})).toEqual({ kind: 'no-service' })
    const client = await nats.connect()
    await serve(client, subject, () => '"first"')
    await serve(client, subject, () => '"second"')
    const answered = await ask({})
    expect(answered).toMatchObject({ kind: 'answered' })
    expect(asks.pending).toBe(0)
    expect(link.subscriptions).toBe(1)
  })

  test('that is not answered in time is forgotten', async () => {
    const service = await serve(await nats.connect(), subject, () => undefined)
    expect(await ask({}, 50)).toEqual({ kind: 'timeout' })
    expect(asks.pending).toBe(0)
    service.asked[0]?.respond('1')
    service.answers(() => '2')
    expect(await ask({})).toMatchObject({ kind: 'answered', message: { payload: Buffer.from('2') } })
  })

  test('of an owner that is gone is forgotten at once, those of others are not', async () => {
    const service = await serve(await nats.connect(), subject, () => undefined)
    const [gone, here] = [{}, {}]
    const [first, second, third] = [ask(gone), ask(gone), ask(here, 300)]
    asks.forget(gone)
    expect([await first, await second]).toEqual([{ kind: 'forgotten' }, { kind: 'forgotten' }])
    expect(asks.pending).toBe(1)
    asks.forget(gone)
    expect(await third).toEqual({ kind: 'timeout' })
    expect(service.asked).toHaveLength(3)
  })

  test('over the bound of all together is refused', async () => {
    await serve(await nats.connect(), subject, () => undefined)
    const owner = {}
    const waiting = [ask(owner), ask(owner), ask(owner)]
    expect(await ask({})).toEqual({ kind: 'unavailable' })
    asks.forget(owner)
    await Promise.all(waiting)
    expect(await ask({}, 50)).toEqual({ kind: 'timeout' })
  })

  test('of more than NATS takes is too large', async () => {
    const payload = new Uint8Array(2_000_000)
    expect(await asks.ask({ owner: {}, subject, payload, headers: [], waitMs: 100 })).toEqual({ kind: 'too-large' })
    expect(asks.pending).toBe(0)
  })

  test('whose server says nothing is unavailable, not late', async () => {
    nats.freeze()
    const begun = performance.now()
    expect(await ask({}, 30_000)).toEqual({ kind: 'unavailable' })
    expect(performance.now() - begun).toBeLessThan(10_000)
    nats.thaw()
  })

  test('answered by too much is unfit', async () => {
    await serve(await nats.connect(), subject, () => `"${'x'.repeat(1000)}"`)
    expect(await ask({})).toEqual({ kind: 'unfit', reason: 'too_large' })
  })
})
