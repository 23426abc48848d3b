import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { secret } from '../harness/secrets.ts'
import { test } from '../harness/stage.ts'

describe('NATS at the start', () => {
  test('may be absent: the gateway says so, lives, and is ready later', async ({ stage }) => {
    const nats = await stage.nats()
    await nats.stop()
    const gateway = stage.launch(nats.url)
    const line = await gateway.logged('waiting for NATS')
    expect(line).toMatchObject({ level: 'warn', servers: [nats.url], reason: expect.stringMatching(/\w/) })
    expect(await gateway.readyz()).toEqual({ status: 503, reasons: ['starting'] })
    const live = await fetch(`http://127.0.0.1:${gateway.adminPort}/livez`)
    expect(live.status).toBe(200)
    await nats.start()
    await gateway.ready()
    await (await stage.user(gateway, 'ann')).join('chat:late')
    expect(gateway.log.filter(({ msg }) => msg === 'waiting for NATS')).toHaveLength(1)
  })

  test('is waited for no longer than until SIGTERM', async ({ stage }) => {
    const nats = await stage.nats()
    await nats.stop()
    const gateway = stage.launch(nats.url)
    await gateway.logged('waiting for NATS')
    gateway.child.signal('SIGTERM')
    expect(await gateway.child.exited).toEqual({ code: 0, signal: null })
  })

  test('that refuses the credentials ends the gateway with exit code 2, named', async ({ stage }) => {
    const users = [{ user: 'sluice', password: secret('the right password') }]
    const nats = await stage.nats({ users })
    const wrong = secret('a wrong password')
    const gateway = stage.launch(nats.url, {
      settings: { nats: { user: 'sluice', password: wrong } },
      expectErrors: true,
    })
    expect(await gateway.child.exited).toEqual({ code: 2, signal: null })
    expect(gateway.log.at(-1)).toMatchObject({ level: 'fatal', reason: expect.stringContaining('credentials') })
    const anonymous = stage.launch(nats.url, { expectErrors: true })
    expect(await anonymous.child.exited).toEqual({ code: 2, signal: null })
  })

  test('whose max_payload is too small for our frames is refused with the numbers', async ({ stage }) => {
    const nats = await stage.nats({ lines: ['max_payload: 65536'] })
    const gateway = stage.launch(nats.url, { expectErrors: true })
    expect(await gateway.child.exited).toEqual({ code: 2, signal: null })
    expect(gateway.log.at(-1)?.reason).toMatch(/max_payload of 65536/)
  })
})

describe('credentials that are wrong later', () => {
  test('are tried again with the file read anew, and heal without a restart', async ({ stage }) => {
    const [first, second] = [secret('the first password'), secret('the second password')]
    const nats = await stage.nats({ users: [{ user: 'sluice', password: first }] })
    const passwordFile = join(stage.folder(), 'password')
    writeFileSync(passwordFile, `${first}\n`)
    const gateway = await stage.gateway(nats, {
      settings: { nats: { user: 'sluice', passwordFile } },
      expectErrors: true,
    })
    const ann = await (await stage.user(gateway, 'ann')).join('chat:rotated')

    await nats.stop()
    await nats.start({ users: [{ user: 'sluice', password: second }] })
    await gateway.logged('NATS refuses the credentials')
    expect(await gateway.readyz()).toMatchObject({
      status: 503,
      reasons: expect.arrayContaining(['nats_unauthorized']),
    })
    expect((await gateway.metrics()).value('nats_authorization_errors_total')).toBeGreaterThan(0)
    expect(await ann.request({ type: 'publish', room: 'chat:rotated', data: 1 })).toMatchObject({ code: 'unavailable' })

    writeFileSync(passwordFile, `${second}\n`)
    await gateway.ready()
    await ann.ok({ type: 'publish', room: 'chat:rotated', data: 2 })
    expect(await ann.message()).toMatchObject({ data: 2 })
    expect(gateway.child.exit).toBeNull()
  })
})
