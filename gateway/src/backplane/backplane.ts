// The gateway's side of NATS: what its other parts know of it. Publishes with headers built from checked values; hands inbound
// messages on, parsed. Step 3 of the message path, and where step 4 begins.
import type { Msg } from '@nats-io/transport-node'
import { ENTRY_BYTES_MAX, ENVELOPE_BYTES_MAX } from '@sluice/proto'
import { type ConnectEvents, connectLink, type NatsOptions } from '@sluice/service/nats/connect-link'
import type { Link, Subscribed } from '@sluice/service/nats/link'
import type { PayloadNeed } from '@sluice/service/nats/server-requirements'
import { createRequestMemory, REQUEST_MEMORY } from '@sluice/service/request-memory'
import {
  type DropReason,
  type Inbound,
  placeOfCopy,
  readInbound,
  readStored,
  requestOf,
  type StoredInbound,
} from './inbound.ts'

/** How the gateway reaches NATS. */
export interface BackplaneOptions extends NatsOptions {
  /** Names the connection in the server's monitoring. */
  readonly name: string
  readonly payloadBytesMax: number
  readonly frameBytesMax: number
  /** Whether entries of presence are written on it. */
  readonly presence: boolean
  /** A number in [0, 1): jitter of reconnects. */
  readonly random: () => number
  readonly nowMs: () => number
}

/** Told of what happens on NATS. */
export interface BackplaneEvents extends ConnectEvents {
  /** A message was not delivered. */
  readonly onDropped: (reason: DropReason, subject: string) => void
}

type PassedOn =
  | 'connected'
  | 'connects'
  | 'subscriptions'
  | 'publish'
  | 'takeDenial'
  | 'confirm'
  | 'drain'
  | 'request'
  | 'inbox'
  | 'subscribe'

/** A link whose subscriptions deliver checked messages. */
export interface Backplane extends Pick<Link, PassedOn> {
  /** See {@link Link.subscribe}; what can't be delivered goes to `onDropped` instead. */
  listen(subject: string, deliver: (message: Inbound, subject: string) => void): Subscribed
  /** The same for what a stream republishes: one that can't be delivered comes without its content, as it has its place. */
  listenStored(subject: string, deliver: (message: StoredInbound, subject: string) => void): Subscribed
}

/**
 * Connects, waiting for NATS as long as it takes.
 *
 * @returns null if the signal came before NATS did
 * @throws NatsRefused
 */
export async function connectBackplane(
  options: BackplaneOptions,
  events: BackplaneEvents,
  signal: AbortSignal,
): Promise<Backplane | null> {
  const { frameBytesMax } = options
  const link = await connectLink({ ...options, need: needOf(frameBytesMax, options.presence) }, events, signal)
  return link === null ? null : createBackplane(link, options, events)
}

function needOf(frameBytesMax: number, presence: boolean): PayloadNeed {
  const frames = { bytes: frameBytesMax + ENVELOPE_BYTES_MAX, because: 'limits.frameBytesMax and headers' }
  const entries = { bytes: ENTRY_BYTES_MAX + ENVELOPE_BYTES_MAX, because: 'entries of presence and headers' }
  return presence && entries.bytes > frames.bytes ? entries : frames
}

function createBackplane(link: Link, { payloadBytesMax, nowMs }: BackplaneOptions, events: BackplaneEvents): Backplane {
  const requests = createRequestMemory<symbol>(REQUEST_MEMORY)

  /** Two routers publish what a service has asked for, each to the same subjects. */
  function isSecondSight(subscribed: string, message: Msg): boolean {
    const id = requestOf(message)
    if (id === null) return false
    const sight = Symbol()
    return requests.once(`${id} ${message.subject} ${subscribed}`, nowMs(), () => sight) !== sight
  }

  return {
    get connected() {
      return link.connected
    },
    get connects() {
      return link.connects
    },
    get subscriptions() {
      return link.subscriptions
    },
    publish: link.publish,
    takeDenial: link.takeDenial,
    confirm: link.confirm,
    drain: link.drain,
    request: link.request,
    inbox: link.inbox,
    subscribe: link.subscribe,
    listen: (subject, deliver) =>
      link.subscribe(subject, (message: Msg) => {
        if (isSecondSight(subject, message)) return
        const inbound = readInbound(message, payloadBytesMax)
        if (typeof inbound === 'string') events.onDropped(inbound, message.subject)
        else deliver(inbound, message.subject)
      }),
    listenStored: (subject, deliver) =>
      link.subscribe(subject, (message: Msg) => {
        const place = placeOfCopy(message)
        if (place === null) return events.onDropped('bad_header', message.subject)
        const stored = readStored(message, place, payloadBytesMax)
        if (stored.unfit !== null) events.onDropped(stored.unfit, message.subject)
        deliver(stored, message.subject)
      }),
  }
}
