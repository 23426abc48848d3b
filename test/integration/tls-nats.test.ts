// TLS between a gateway and a real nats-server: who is believed, what is said where nobody is, and certificates that change while both run.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { type Authority, type Certificate, makeAuthority } from '../harness/certificates.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Stage, test } from '../harness/stage.ts'

/** Writes a certificate and its key; their paths. */
function put(folder: string, name: string, { cert, key }: Certificate): { cert: string; key: string } {
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  writeFileSync(paths.cert, cert)
  writeFileSync(paths.key, key)
  return paths
}

/** A nats-server that speaks TLS alone, and the folder of its certificates. */
async function secured(stage: Stage, authority: Authority, server: Certificate, verify = false) {
  const folder = stage.folder()
  const { cert, key } = put(folder, 'server', server)
  const caFile = join(folder, 'ca.crt')
  writeFileSync(caFile, authority.cert)
  const block = `tls { cert_file: "${cert}", key_file: "${key}", ca_file: "${caFile}", verify: ${verify} }`
  return { folder, caFile, nats: await stage.nats({ lines: [block] }) }
}

const address = (url: string): string => url.replace('nats://', 'tls://')

async function serves(stage: Stage, gateway: GatewayProcess): Promise<void> {
  const ann = await (await stage.user(gateway, 'ann')).join('chat:tls')
  await ann.ok({ type: 'publish', room: 'chat:tls', data: 1 })
  await ann.message()
}

describe('a gateway whose NATS speaks TLS', () => {
  test('works where the authority and the name are right, with a certificate of its own where NATS asks for one', async ({
    stage,
  }) => {
    const authority = makeAuthority()
    const { folder, caFile, nats } = await secured(stage, authority, authority.issue('nats'), true)
    const { cert: certFile, key: keyFile } = put(folder, 'gateway', authority.issue('gateway'))
    const tls = { caFile, certFile, keyFile }
    const gateway = stage.launch(address(nats.url), { settings: { nats: { tls } } })
    await gateway.logged('listening')
    await gateway.ready()
    await serves(stage, gateway)
  })

  const wrong: readonly [string, RegExp, (tls: { ours: Authority; folder: string; caFile: string }) => object][] = [
    [
      'an authority that has not signed the server',
      /certificate|issuer/,
      ({ folder }) => {
        const caFile = join(folder, 'other.crt')
        writeFileSync(caFile, makeAuthority('other').cert)
        return { caFile }
      },
    ],
    ['no authority but those of the system', /certificate|issuer/, () => ({})],
    ['no certificate where NATS asks for one', /may ask for a certificate of ours/, ({ caFile }) => ({ caFile })],
    [
      'a certificate of another authority',
      /or refuse the one of nats\.tls\.certFile/,
      ({ folder, caFile }) => {
        const { cert: certFile, key: keyFile } = put(folder, 'stranger', makeAuthority('other').issue('gateway'))
        return { caFile, certFile, keyFile }
      },
    ],
    [
      'a key that is not of its certificate',
      /key values mismatch/,
      ({ ours, folder, caFile }) => {
        const { cert: certFile } = put(folder, 'one', ours.issue('gateway'))
        return { caFile, certFile, keyFile: put(folder, 'two', ours.issue('gateway')).key }
      },
    ],
  ]

  test('waits, not ready, and says why where one side does not believe the other', async ({ stage }) => {
    const ours = makeAuthority()
    const { folder, caFile, nats } = await secured(stage, ours, ours.issue('nats'), true)
    const elsewhere = await secured(stage, ours, ours.issue('nats', { hosts: ['nats.example.com'] }))
    const expired = await secured(stage, ours, ours.issue('nats', { ttlSeconds: -60 }))
    const cases = [
      ...wrong.map(([what, reason, make]) => ({ what, reason, nats, tls: make({ ours, folder, caFile }) })),
      { what: 'the certificate of another host', reason: /altnames/, nats: elsewhere.nats, tls: { caFile } },
      { what: 'a certificate that has expired', reason: /expired/, nats: expired.nats, tls: { caFile } },
    ]
    await Promise.all(
      cases.map(async ({ what, reason, nats, tls }) => {
        const gateway = stage.launch(address(nats.url), { settings: { nats: { tls } } })
        expect((await gateway.logged('waiting for NATS', 50_000)).reason, what).toMatch(reason)
        expect(await gateway.readyz(), what).toMatchObject({ status: 503, reasons: ['starting'] })
        expect(gateway.child.exit).toBeNull()
      }),
    )
  })

  test('speaks in the clear to nobody where TLS was asked for', async ({ stage }) => {
    const nats = await stage.nats()
    const gateway = stage.launch(address(nats.url))
    expect((await gateway.logged('waiting for NATS')).reason).toMatch(/tls/i)
    expect(await nats.gatewayConnections()).toEqual([])
  })

  test('follows all certificates that change while it runs, and goes on where a file is away meanwhile', async ({
    stage,
  }) => {
    const before = makeAuthority('before')
    const { folder, caFile, nats } = await secured(stage, before, before.issue('nats'), true)
    const { cert: certFile, key: keyFile } = put(folder, 'gateway', before.issue('gateway'))
    const gateway = stage.launch(address(nats.url), { settings: { nats: { tls: { caFile, certFile, keyFile } } } })
    await gateway.logged('listening')
    await gateway.ready()
    const ann = await (await stage.user(gateway, 'ann')).join('chat:tls')
    await nats.stop()
    await gateway.logged('NATS is away')
    // Everything is another's now, and for some attempts our own key is not there at all.
    const after = makeAuthority('after')
    put(folder, 'server', after.issue('nats'))
    writeFileSync(caFile, after.cert)
    rmSync(keyFile)
    await nats.start()
    await eventually(
      async () => (await ann.refused({ type: 'publish', room: 'chat:tls', data: 0 })) === 'unavailable',
    ).toBe(true)
    put(folder, 'gateway', after.issue('gateway'))
    await gateway.logged('NATS is back', 20_000)
    await ann.ok({ type: 'publish', room: 'chat:tls', data: 1 })
    await ann.message()
    expect(gateway.child.exit).toBeNull()
  })
})
