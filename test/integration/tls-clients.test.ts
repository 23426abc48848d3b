// TLS between clients and a gateway: ended by a proxy in front of it, and by the gateway itself, with the library as client.
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { describe, expect } from 'vitest'
import { type Authority, type Certificate, makeAuthority } from '../harness/certificates.ts'
import { startChild } from '../harness/child.ts'
import { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { type Stage, test } from '../harness/stage.ts'
import { startTlsProxy } from '../harness/tls-proxy.ts'
import { makeToken } from '../harness/tokens.ts'

/** Runs the library in a process that trusts the authority; resolves when it has heard itself. */
async function libraryHears(stage: Stage, url: string, authority: Authority): Promise<void> {
  const trusted = join(stage.folder(), 'ca.crt')
  writeFileSync(trusted, authority.cert)
  const child = startChild({
    command: process.execPath,
    args: [resolve(import.meta.dirname, '../harness/secure-library-process.ts')],
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: resolve(import.meta.dirname, '../../.sluice/compile-cache'),
      NODE_EXTRA_CA_CERTS: trusted,
      GATEWAY: url,
      TOKEN: await makeToken('ann'),
    },
  })
  stage.use({ [Symbol.asyncDispose]: async () => void (await child.kill()) })
  await child.line((line) => line === 'heard ann: "over TLS"', 'the library hears itself', 40_000)
}

/** A gateway that ends TLS itself; its files are in the folder. */
async function secured(stage: Stage, certificate: Certificate, expectErrors = false) {
  const folder = stage.folder()
  const tls = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  const write = ({ cert, key }: Certificate): void => {
    writeFileSync(tls.certFile, cert)
    writeFileSync(tls.keyFile, key)
  }
  write(certificate)
  const nats = await stage.nats()
  const listen = { host: '127.0.0.1', port: 0, tls }
  const gateway = stage.launch(nats.url, { settings: { listen }, expectErrors })
  return { gateway, write }
}

/** A TLS connection to the public port. */
function dial(stage: Stage, gateway: GatewayProcess, options: object = {}): Promise<TLSSocket> {
  return new Promise((done, failed) => {
    const socket = connectTls({ host: '127.0.0.1', port: gateway.port, ...options }, () => done(socket))
    socket.on('error', failed)
    stage.use({ [Symbol.asyncDispose]: async () => void socket.destroy() })
  })
}

const secureUrl = (gateway: GatewayProcess): string => `wss://localhost:${gateway.port}/ws`

describe('a proxy that ends TLS', () => {
  test('serves the library over wss, and each client has the rates of its own address', async ({ stage }) => {
    const authority = makeAuthority()
    const nats = await stage.nats()
    const accept = { trustedProxies: ['127.0.0.1'], addressConnectionsPerSecond: 1, addressSignInFailuresPerSecond: 50 }
    const gateway = await stage.gateway(nats, { settings: { accept } })
    const proxyFor = async (address: string) =>
      stage.use(await startTlsProxy(gateway, authority.issue('proxy'), address))
    await libraryHears(stage, (await proxyFor('203.0.113.7')).url, authority)
    const busy = await proxyFor('203.0.113.8')
    const sockets = Array.from({ length: 5 }, () =>
      stage
        .use(new Client(busy.url, { ca: authority.cert }))
        .opened()
        .then(
          () => 'open',
          (error: Error) => error.message,
        ),
    )
    const ends = await Promise.all(sockets)
    expect(ends).toContain('open')
    expect(ends).toContain('no upgrade')
    expect((await gateway.metrics()).value('refusals_total', { reason: 'address_rate' })).toBeGreaterThan(0)
    // Another client of the same proxy does not pay for it.
    const calm = stage.use(new Client((await proxyFor('203.0.113.9')).url, { ca: authority.cert }))
    await calm.opened()
  })
})

describe('a gateway that ends TLS itself', () => {
  test('serves the library over wss, speaks TLS 1.2 and 1.3, and nothing older or plain', async ({ stage }) => {
    const authority = makeAuthority()
    const { gateway } = await secured(stage, authority.issue('gateway'))
    await gateway.logged('listening')
    await gateway.ready()
    await libraryHears(stage, secureUrl(gateway), authority)
    const options = { ca: authority.cert, servername: 'localhost' }
    expect((await dial(stage, gateway, options)).getProtocol()).toBe('TLSv1.3')
    const older = await dial(stage, gateway, { ...options, maxVersion: 'TLSv1.2' })
    expect([older.getProtocol(), older.authorized]).toEqual(['TLSv1.2', true])
    const oldest = { ...options, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(dial(stage, gateway, oldest)).rejects.toThrow(/protocol version|unsupported protocol|alert/)
    await expect(dial(stage, gateway, { servername: 'localhost' })).rejects.toThrow(/certificate/)
    const raw = await stage.tcp(gateway)
    raw.write('GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await eventually(() => raw.ended).toBe(true)
  })

  test('shows a new certificate without closing a socket', async ({ stage }) => {
    const [before, after] = [makeAuthority('before'), makeAuthority('after')]
    const { gateway, write } = await secured(stage, before.issue('gateway'))
    await gateway.logged('listening')
    await gateway.ready()
    const ann = stage.use(new Client(secureUrl(gateway), { token: await makeToken('ann'), ca: before.cert }))
    await ann.opened()
    await ann.welcome()
    write(after.issue('gateway'))
    await gateway.logged('the certificate of the public port has changed', 20_000)
    await dial(stage, gateway, { ca: after.cert, servername: 'localhost' })
    await expect(dial(stage, gateway, { ca: before.cert, servername: 'localhost' })).rejects.toThrow(/certificate/)
    await ann.settled()
    expect(ann.close).toBeNull()
  })

  test('does not start with a key that is not of the certificate, says so, and exits with 2', async ({ stage }) => {
    const authority = makeAuthority()
    const pair = { cert: authority.issue('one').cert, key: authority.issue('two').key }
    const { gateway } = await secured(stage, pair, true)
    expect((await gateway.child.exited).code).toBe(2)
    expect((await gateway.logged('refused')).reason).toMatch(
      /^listen\.tls\.certFile and listen\.tls\.keyFile .*not that of the certificate$/,
    )
  })
})
