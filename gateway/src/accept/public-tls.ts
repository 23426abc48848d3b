// TLS of the public port, where no proxy brings it: the certificate and its key, read at the start and followed in their files, so that a new one is
// shown to new connections without a restart. Never closes a socket for it, and keeps to what works while the files hold something else.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createSecureContext, type Server as TlsServer } from 'node:tls'
import type { Logger } from '@sluice/service/log'
import { Refused } from '@sluice/service/refused'

/** The section `listen.tls` of the configuration: both are set, or none. */
export interface TlsFiles {
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
}

/** A certificate and its key, in PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** TLS of one server. */
export interface PublicTls {
  /** What is shown at the start. */
  readonly shown: TlsPair
  /** Shows what the files hold later on, until the server is closed. */
  follow(server: Server): void
}

/** See {@link readPublicTls}. */
export interface PublicTlsOptions {
  readonly log: Pick<Logger, 'info' | 'error'>
  /** Milliseconds between two looks. Default 5000, as for the configuration file. */
  readonly everyMs?: number
}

/** What holds whatever the certificate: TLS 1.2 is what RFC 9325 still allows, and upgrades exist in HTTP/1.1 alone. */
export const TLS_OPTIONS = { minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] } as const

const LOOK_EVERY_MS = 5000

/**
 * Reads what the configuration names.
 *
 * @returns null where it names nothing
 * @throws Refused for files that can't be read or do not belong together
 */
export function readPublicTls({ certFile, keyFile }: TlsFiles, options: PublicTlsOptions): PublicTls | null {
  if (certFile === undefined || keyFile === undefined) return null
  let shown: TlsPair
  try {
    shown = checked({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') })
  } catch (error) {
    throw new Refused(`listen.tls.certFile and listen.tls.keyFile are no certificate and its key: ${reasonOf(error)}`)
  }
  return {
    shown,
    follow(server) {
      const look = createLook({ certFile, keyFile, shown }, server as unknown as TlsServer, options.log)
      const timer = setInterval(() => void look(), options.everyMs ?? LOOK_EVERY_MS).unref()
      server.on('close', () => clearInterval(timer))
    },
  }
}

/** One look at the files. The two are never written at one moment, so a pair is found wrong only when a second look finds it so. */
function createLook(
  { certFile, keyFile, shown }: { certFile: string; keyFile: string; shown: TlsPair },
  server: Pick<TlsServer, 'setSecureContext'>,
  log: PublicTlsOptions['log'],
): () => Promise<void> {
  let last = shown
  let problem: { readonly reason: string; readonly told: boolean } | null = null
  let looking = false
  return async () => {
    if (looking) return
    looking = true
    try {
      const pair = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') }
      if (pair.cert !== last.cert || pair.key !== last.key) {
        server.setSecureContext({ ...TLS_OPTIONS, ...checked(pair) })
        last = pair
        log.info({ certFile }, 'the certificate of the public port has changed')
      }
      problem = null
    } catch (error) {
      const reason = reasonOf(error)
      const again = problem?.reason === reason
      if (again && problem?.told === false) {
        log.error({ certFile, reason }, 'the changed certificate of the public port was refused')
        problem = { reason, told: true }
      } else if (!again) problem = { reason, told: false }
    } finally {
      looking = false
    }
  }
}

/** Throws where the two are not one pair, before a connection would fail for it. */
function checked(pair: TlsPair): TlsPair {
  // A context takes an empty text for none, and would say nothing.
  if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)))
    throw new Error('the key is not that of the certificate')
  createSecureContext({ ...TLS_OPTIONS, ...pair })
  return pair
}

/** OpenSSL's own words; none of them holds what stood in a file. */
function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code?.startsWith('E') === true && !code.startsWith('ERR_') ? code : message
}
