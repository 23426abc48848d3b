// What a check works with: sockets, tokens and names of its own. Everything that a bench has opened is closed with it, so that one check
// cannot disturb the next. Knows no clause.
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Broken, NotRun, shown } from './expectation.ts'
import { type Encoding, type Frame, SUBPROTOCOLS } from './frame-codec.ts'
import type { Observations } from './observation.ts'
import { Peer, type PeerOptions } from './peer.ts'
import type { Offer, Role, Target } from './target.ts'
import type { TokenWish } from './tokens.ts'
import { Wire } from './wire.ts'

/** How a socket of a check is opened, where it differs. */
export type OpenOptions = Partial<Omit<PeerOptions, 'answerMs' | 'observations'>> & {
  /** The server: 0, the default, or 1, another one if there is one. */
  readonly at?: 0 | 1
  /** Another path, from the root. */
  readonly path?: string
}

/** The answer to a plain request. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Time in which what must not come would have come. */
const QUIET_MS = 300

/** The work bench of one check. */
export class Bench implements AsyncDisposable {
  readonly target: Target
  readonly offer: Offer
  readonly encoding: Encoding
  readonly observations: Observations
  readonly #prefix: string
  readonly #resources: AsyncDisposable[] = []
  #names = 0

  /** @param prefix - begins every name that the check makes, so that no other check and no other run has the same */
  constructor(target: Target, offer: Offer, encoding: Encoding, observations: Observations, prefix: string) {
    this.target = target
    this.offer = offer
    this.encoding = encoding
    this.observations = observations
    this.#prefix = prefix
  }

  /** A limit that `welcome` told. */
  limit(name: string): number {
    const limit = this.offer.limits[name]
    if (limit === undefined || !Number.isSafeInteger(limit))
      throw new Broken(`the limit ${name} in \`welcome\``, shown(limit))
    return limit
  }

  /** A name that nobody else has. */
  name(ending = 'x'): string {
    this.#names++
    return `${this.#prefix}${this.#names}-${ending}`
  }

  /** The namespace of a part. */
  namespace(role: Role): string {
    const namespace = this.target.namespaces[role]
    if (namespace === null) throw new NotRun(`no namespace “${role}” was named`)
    return namespace
  }

  /** A room of its own, in the namespace of a part or without a colon. */
  room(role?: Role): string {
    const name = this.name('room')
    return role === undefined ? name : `${this.namespace(role)}:${name}`
  }

  token(user: string, wish?: TokenWish): Promise<string> {
    return this.target.issuer.token(user, wish)
  }

  /** Signs any claims; `exp` is added unless they have one. */
  claims(claims: Readonly<Record<string, unknown>>): string {
    const { sign } = this.target.issuer
    if (sign === null) throw new NotRun('tokens of any content need the shared secret')
    return sign({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })
  }

  /** Whom else a check opens ends with it. */
  use<resource extends AsyncDisposable>(resource: resource): resource {
    this.#resources.push(resource)
    return resource
  }

  /** A socket whose upgrade is under way. */
  start({ at = 0, path, ...options }: OpenOptions = {}): Peer {
    const { answerMs } = this.target
    return this.use(
      new Peer(this.url(at, path), { encoding: this.encoding, answerMs, observations: this.observations, ...options }),
    )
  }

  /** A socket whose upgrade is done; nothing is known of its sign-in yet. */
  open(options?: OpenOptions): Promise<Peer> {
    return this.start(options).opened()
  }

  /** A user who has been welcomed; a new one unless named. */
  async user({
    name = this.name('user'),
    grants,
    ttlSeconds,
    ...options
  }: OpenOptions & TokenWish & { name?: string } = {}) {
    const wish = { ...(grants === undefined ? {} : { grants }), ...(ttlSeconds === undefined ? {} : { ttlSeconds }) }
    const peer = await this.open({ token: await this.token(name, wish), ...options })
    await peer.welcome()
    return peer
  }

  /**
   * A WebSocket of bytes, signed in by the query and welcomed.
   *
   * @param extensions - what it offers
   */
  async wire(name = this.name('user'), extensions?: string): Promise<Wire> {
    const url = new URL(this.url(0))
    url.searchParams.set('token', await this.token(name))
    const protocol = { 'Sec-WebSocket-Protocol': SUBPROTOCOLS.json }
    const offer = extensions === undefined ? {} : { 'Sec-WebSocket-Extensions': extensions }
    const wire = this.use(await Wire.upgrade(url.href, { ...protocol, ...offer }))
    await wire.until('`welcome`', this.target.answerMs, () => (wire.texts.length > 0 ? true : null))
    return wire
  }

  /** A plain request, or one with the headers that are given. */
  http(path: string | undefined, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const url = new URL(this.url(0, path))
    const secure = url.protocol === 'wss:'
    url.protocol = secure ? 'https:' : 'http:'
    return new Promise((resolve, reject) => {
      const asked = (secure ? secureRequest : request)(url, { headers, timeout: this.target.answerMs })
      const answered = (status: number, answer: HttpAnswer['headers']) => {
        resolve({ status, headers: answer })
        asked.destroy()
      }
      asked.on('response', (response) => answered(response.statusCode ?? 0, response.headers))
      asked.on('upgrade', (response) => answered(101, response.headers))
      asked.on('error', reject)
      asked.on('timeout', () => asked.destroy(new Broken('an HTTP answer', 'none')))
      asked.end()
    })
  }

  /** A service on NATS. */
  async service(): Promise<NatsConnection> {
    const { nats } = this.target
    if (nats === null) throw new NotRun('services need --nats-url')
    const connection = await connect({ servers: nats.url })
    this.use({ [Symbol.asyncDispose]: () => connection.close() })
    return connection
  }

  /** Fails if a frame comes that fits, now or within a moment. */
  async quiet(peer: Peer, what: string, fits: (frame: Frame) => boolean, ms = QUIET_MS): Promise<void> {
    await pause(ms)
    const found = peer.frames.find(fits)
    if (found !== undefined) throw new Broken(`no ${what}`, shown(found))
  }

  url(at: 0 | 1, path?: string): string {
    const { urls } = this.target
    const url = new URL(urls[at] ?? urls[0] ?? '')
    if (path !== undefined) url.pathname = path
    return url.href
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#resources.map((resource) => resource[Symbol.asyncDispose]()))
  }
}
