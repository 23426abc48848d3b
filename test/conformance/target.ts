// The server that is tested, as its owner describes it: addresses, how tokens are made, which namespaces play which part, and the few
// settings that no client can ask for. And what a first `welcome` says of it.
import { setTimeout as pause } from 'node:timers/promises'
import type { Encoding, Frame } from './frame-codec.ts'
import { Observations } from './observation.ts'
import { Peer } from './peer.ts'
import type { Issuer } from './tokens.ts'

/** The parts that namespaces play; README.md says how each is to be configured. */
export const ROLES = [
  'open',
  'granted',
  'service',
  'quiet',
  'members',
  'small',
  'history',
  'brief',
  'wildcard',
  'drop',
] as const

/** The part of a namespace. */
export type Role = (typeof ROLES)[number]

/** What the suite is run against. */
export interface Target {
  /** One address, or one for each of several servers of the same installation. */
  readonly urls: readonly string[]
  readonly issuer: Issuer
  /** The namespace of each part, or null where the server has none; its checks are then not run. */
  readonly namespaces: Readonly<Record<Role, string | null>>
  /** An origin that may connect, or null if none is known. */
  readonly origin: string | null
  /** Where services publish, or null. */
  readonly nats: { readonly url: string; readonly prefix: string } | null
  /** Time that a socket has to sign in [P-3.4]. */
  readonly signInMs: number
  /** Time that a user is shown after a connection broke [P-15.9]. */
  readonly lingerMs: number
  /** Difference of clocks that is forgiven when a token expires [P-3.9]. */
  readonly toleranceMs: number
  /** Connections that one user may have [P-10.2]. */
  readonly userConnectionsMax: number
  /** How long an answer may take. */
  readonly answerMs: number
}

/** What a server says of itself. */
export interface Offer {
  readonly welcome: Frame
  readonly features: readonly string[]
  readonly limits: Readonly<Record<string, number>>
  /** Whether a socket without a token is let in [P-3.7]. */
  readonly anonymous: boolean
}

const ANONYMOUS_WAIT_MS = 500

/**
 * Asks a server what it offers.
 *
 * @throws Broken if it lets nobody in, in which case no check would say more
 */
export async function probe(target: Target, encoding: Encoding): Promise<Offer> {
  const url = target.urls[0] ?? ''
  const options = { encoding, answerMs: target.answerMs, observations: new Observations() }
  const token = await target.issuer.token('conformance-probe')
  await using signed = new Peer(url, { ...options, token })
  await signed.opened()
  const welcome = await signed.welcome()
  await using unsigned = new Peer(url, options)
  await unsigned.opened()
  await pause(ANONYMOUS_WAIT_MS)
  const features = Array.isArray(welcome.features) ? welcome.features.map(String) : []
  return {
    welcome,
    features,
    limits: (welcome.limits ?? {}) as Record<string, number>,
    anonymous: unsigned.frames.some(({ type }) => type === 'welcome'),
  }
}
