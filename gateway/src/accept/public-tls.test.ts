import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { Refused } from '@sluice/service/refused'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Certificate, makeAuthority } from '../../../test/harness/certificates.ts'
import { readPublicTls } from './public-tls.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const authority = makeAuthority()

/** Files with a pair, and what tells of them. */
function files(first: Certificate) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  ends.push(() => rmSync(folder, { recursive: true }))
  const paths = { certFile: join(folder, 'tls.crt'), keyFile: join(folder, 'tls.key') }
  const write = ({ cert, key }: Partial<Certificate>): void => {
    if (cert !== undefined) writeFileSync(paths.certFile, cert)
    if (key !== undefined) writeFileSync(paths.keyFile, key)
  }
  write(first)
  return { paths, write, log: { info: vi.fn(), error: vi.fn() } }
}

/** A server that follows its files, and the name that it shows. */
async function follow(first: Certificate) {
  const { paths, write, log } = files(first)
  const tls = readPublicTls(paths, { log, everyMs: 5 })
  if (tls === null) throw new Error('no TLS')
  const server: Server = createServer(tls.shown).listen(0, '127.0.0.1')
  tls.follow(server)
  await once(server, 'listening')
  ends.push(() => once(server.close(), 'close'))
  const shown = async (): Promise<string> => {
    const { port } = server.address() as AddressInfo
    const socket = connect({ host: '127.0.0.1', port, ca: authority.cert })
    await once(socket, 'secureConnect')
    const { CN } = socket.getPeerCertificate().subject
    socket.destroy()
    return String(CN)
  }
  return { paths, write, log, shown }
}

describe('TLS of the public port', () => {
  test('is off where no files are named', () => {
    expect(readPublicTls({}, { log: { info: vi.fn(), error: vi.fn() } })).toBeNull()
  })

  test('is refused at the start where the files are no pair, or hold nothing of the kind', () => {
    const [one, two] = [authority.issue('one'), authority.issue('two')]
    for (const pair of [
      { cert: one.cert, key: two.key },
      { ...one, cert: 'nonsense' },
      { ...one, key: '' },
    ]) {
      const { paths, log } = files(pair)
      expect(() => readPublicTls(paths, { log })).toThrow(Refused)
    }
    const { paths, log } = files(one)
    rmSync(paths.keyFile)
    expect(() => readPublicTls(paths, { log })).toThrow(/ENOENT$/)
  })

  test('shows what the files hold later, and tells so once', async () => {
    const { write, log, shown } = await follow(authority.issue('before'))
    expect(await shown()).toBe('before')
    write(authority.issue('after'))
    await vi.waitFor(async () => expect(await shown()).toBe('after'))
    expect(log.info).toHaveBeenCalledTimes(1)
  })

  test('stays with the old pair while the files hold none, says so once, and takes the next', async () => {
    const { paths, write, log, shown } = await follow(authority.issue('before'))
    write({ key: authority.issue('another').key })
    await vi.waitFor(() => expect(log.error).toHaveBeenCalledTimes(1))
    expect(log.error.mock.calls[0]?.[0]).toEqual({
      certFile: paths.certFile,
      reason: 'the key is not that of the certificate',
    })
    expect(await shown()).toBe('before')
    write(authority.issue('after'))
    await vi.waitFor(async () => expect(await shown()).toBe('after'))
    expect(log.error).toHaveBeenCalledTimes(1)
  })
})
