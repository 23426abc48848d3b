// Certificates for tests of TLS: an authority, and what it signs, written as DER by hand, as Node makes keys but no certificates and a fresh
// machine may have no openssl. Knows just enough of X.509 (RFC 5280) for the names, dates and uses that tests need.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import { secret } from './secrets.ts'

/** A certificate and its key, both in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Names and IPv4 addresses that it is for. Default `localhost` and `127.0.0.1`. */
  readonly hosts?: readonly string[]
  /** From now; negative for one that has expired. Default an hour. */
  readonly ttlSeconds?: number
}

/** Signs certificates. */
export interface Authority {
  /** Its own certificate, in PEM. */
  readonly cert: string
  issue(commonName: string, options?: CertificateOptions): Certificate
}

/** Makes an authority of its own, trusted by nobody yet. */
export function makeAuthority(commonName = 'test authority'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = nameOf(commonName)
  const self = { subject: issuer, publicKey: keys.publicKey, issuer, signer: keys.privateKey, ttlSeconds: 3600 }
  return {
    cert: certificate({ ...self, extensions: [BASIC_CA, KEY_USAGE_CA, keyId(keys.publicKey)] }),
    issue(subject, { hosts = ['localhost', '127.0.0.1'], ttlSeconds = 3600 } = {}) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const extensions = [alternativeNames(hosts), EXTENDED_USAGE]
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      // No line of a key may stand in a log; the frame around it says nothing.
      secret(key.split('\n')[1] ?? key)
      return {
        cert: certificate({
          subject: nameOf(subject),
          publicKey,
          issuer,
          signer: keys.privateKey,
          ttlSeconds,
          extensions,
        }),
        key,
      }
    },
  }
}

interface Facts {
  readonly subject: Buffer
  readonly publicKey: KeyObject
  readonly issuer: Buffer
  readonly signer: KeyObject
  readonly ttlSeconds: number
  readonly extensions: readonly Buffer[]
}

function certificate({ subject, publicKey, issuer, signer, ttlSeconds, extensions }: Facts): string {
  const endsAt = Date.now() + ttlSeconds * 1000
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(15)])),
    ECDSA_SHA256,
    issuer,
    sequence(time(Math.min(Date.now(), endsAt) - 3_600_000), time(endsAt)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, signer)]))
  const lines = sequence(body, ECDSA_SHA256, signature).toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

/** One element: tag, length, content. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts)
}

/** An object identifier, as hex of its encoding. */
function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function time(ms: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-T:]/g, '')}Z`))
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [der(0x01, Buffer.of(0xff))] : []), der(0x04, value))
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIP(host) === 4 ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  )
  return extension('551d11', false, sequence(...names))
}

function keyId(publicKey: KeyObject): Buffer {
  const bytes = publicKey.export({ type: 'spki', format: 'der' })
  return extension('551d0e', false, der(0x04, createHash('sha1').update(bytes).digest()))
}

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'))
const BASIC_CA = extension('551d13', true, sequence(der(0x01, Buffer.of(0xff))))
/** Signing of certificates and of lists of revoked ones. */
const KEY_USAGE_CA = extension('551d0f', true, der(0x03, Buffer.of(1, 0x06)))
/** Servers and clients both, so that one maker does for all tests. */
const EXTENDED_USAGE = extension('551d25', false, sequence(oid('2b06010505070301'), oid('2b06010505070302')))
