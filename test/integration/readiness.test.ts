import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { secret } from '../harness/secrets.ts'
import { test } from '../harness/stage.ts'

describe('readiness', () => {
  test('outlives a short absence of NATS, ends with a long one, and comes back', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { readiness: { probeMs: 100, graceMs: 1500 } } })
    const ann = await stage.user(gateway, 'ann')
    const stoppedAt = performance.now()
    await nats.stop()
    await gateway.logged('NATS is away')
    if (performance.now() - stoppedAt < 1000) expect(await gateway.readyz()).toEqual({ status: 200, reasons: [] })
    await eventually(() => gateway.readyz()).toEqual({ status: 503, reasons: ['nats_disconnected'] })
    expect(performance.now() - stoppedAt).toBeGreaterThan(1300)
    const live = await fetch(`http://127.0.0.1:${gateway.adminPort}/livez`)
    expect(live.status).toBe(200)
    expect((await gateway.metrics()).value('ready')).toBe(0)
    await nats.start()
    await gateway.ready()
    await ann.settled()
    expect((await gateway.metrics()).value('ready')).toBe(1)
  })

  test('case 64: needs a loop-back publish on our own prefix; who may not use it is never ready', async ({ stage }) => {
    const password = secret('a password for permissions')
    const allowed = '"other.>", "_INBOX.>"'
    const permissions = `permissions: { publish: [${allowed}], subscribe: [${allowed}] }`
    const nats = await stage.nats({
      lines: [`authorization { users: [{ user: "sluice", password: "${password}", ${permissions} }] }`],
    })
    const settings = { nats: { user: 'sluice', password }, readiness: { probeMs: 100, graceMs: 300 } }
    const gateway = stage.launch(nats.url, { settings, expectErrors: true })
    await gateway.logged('listening')
    await eventually(async () => (await gateway.metrics()).value('probes_total', { result: 'failed' })).toBeGreaterThan(
      5,
    )
    expect((await gateway.readyz()).status).toBe(503)
    const told = await gateway.logged('error on the connection to NATS')
    expect(told.reason).toMatch(/ermission/)

    const other = stage.launch(nats.url, { settings: { ...settings, nats: { ...settings.nats, prefix: 'other' } } })
    await other.logged('listening')
    await other.ready()
  })

  test('says `probe_failed` when probes stop coming back on a connection that stands', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = await stage.gateway(nats, { settings: { readiness: { probeMs: 100, graceMs: 500 } } })
    nats.freeze()
    await eventually(() => gateway.readyz()).toEqual({ status: 503, reasons: ['probe_failed'] })
    nats.thaw()
    await gateway.ready()
  })

  test.for(['STREAM.INFO', 'DIRECT.GET'])(
    'says `revocations_unreadable` where rights do not let it read what was revoked (%s)',
    async (question, { stage }) => {
      const password = secret('a password for revocations')
      const denied = `permissions: { publish: { deny: ["$JS.API.${question}.KV_sluice_revoked"] } }`
      const users = `{ user: "sluice", password: "${password}" }, { user: "narrow", password: "${password}", ${denied} }`
      const nats = await stage.nats({ lines: [`authorization { users: [${users}] }`] })
      const namespaces = { default: { join: { who: 'anyone' }, presence: true } }
      await stage.router(nats, {
        SLUICE_NATS_USER: 'sluice',
        SLUICE_NATS_PASSWORD: password,
        SLUICE_NAMESPACES: JSON.stringify(namespaces),
      })
      const settings = (user: string) => ({ namespaces, nats: { user, password }, readiness: { probeMs: 100 } })
      const narrow = stage.launch(nats.url, { settings: settings('narrow'), expectErrors: true })
      await narrow.logged('listening')
      await narrow.logged('revocations cannot be read')
      await eventually(() => narrow.readyz()).toEqual({ status: 503, reasons: ['starting', 'revocations_unreadable'] })
      await stage.gateway(nats, { settings: settings('sluice') })
    },
  )

  test('the admin port answers only what it is for', async ({ stage }) => {
    const gateway = await stage.gateway(await stage.nats())
    const base = `http://127.0.0.1:${gateway.adminPort}`
    expect((await fetch(`${base}/`)).status).toBe(404)
    expect((await fetch(`${base}/ws`)).status).toBe(404)
    expect((await fetch(`${base}/readyz`, { method: 'POST' })).status).toBe(405)
    expect((await fetch(`${base}/metrics`)).headers.get('content-type')).toContain('text/plain')
    const publicly = gateway.url.replace('ws:', 'http:')
    for (const path of ['/metrics', '/readyz', '/livez']) {
      expect((await fetch(publicly.replace('/ws', path))).status).toBe(404)
    }
  })
})
