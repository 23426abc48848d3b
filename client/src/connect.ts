// The entry `@sluice/client`: what applications call and name. Everything else is behind it.
import { platform, type SocketConstructor } from './ambient.ts'
import type { Channel, HistoryPage, Inbox, Receipt, Recipient, Room, Sluice, SluiceEvents } from './api.ts'
import type {
  Fault,
  Gap,
  InboxEvents,
  Message,
  Presence,
  Recovered,
  Removed,
  RoomEvents,
  RoomState,
  State,
} from './events.ts'
import type { FrameCodec } from './frame-codec.ts'
import type {
  Address,
  CallOptions,
  ConnectOptions,
  HistoryOptions,
  InboxOptions,
  PublishOptions,
  RequestOptions,
  RoomOptions,
  SendOptions,
  TokenOption,
  TokenRequest,
} from './options.ts'
import type { Member } from './presence-view.ts'
import { SluiceClient } from './sluice-client.ts'
import { SluiceError, type SluiceErrorCode } from './sluice-error.ts'

/**
 * Connects to a gateway, and again whenever the connection is lost.
 *
 * @param address - `wss://host/ws`; a function is asked for it anew with each socket
 * @throws TypeError for an address that is none, and where there is no WebSocket
 * @example
 * const sluice = connect('wss://host/ws', { token: () => fetchToken() })
 * const room = sluice.room('chat:lobby', { history: 20 })
 * room.on('message', ({ from, data }) => show(from, data))
 */
export function connect(address: Address, options: ConnectOptions = {}): Sluice {
  const ambient = platform(options.WebSocket)
  if (ambient === null) throw new TypeError('this platform has no WebSocket: pass one as an option, such as that of ws')
  // A mistake in a fixed address is told at once, and not by attempts that all fail.
  if (typeof address !== 'function') new URL(address, (globalThis as { location?: { href: string } }).location?.href)
  return new SluiceClient(address, options, ambient)
}

export type {
  Address,
  CallOptions,
  Channel,
  ConnectOptions,
  Fault,
  FrameCodec,
  Gap,
  HistoryOptions,
  HistoryPage,
  Inbox,
  InboxEvents,
  InboxOptions,
  Member,
  Message,
  Presence,
  PublishOptions,
  Receipt,
  Recipient,
  Recovered,
  Removed,
  RequestOptions,
  Room,
  RoomEvents,
  RoomOptions,
  RoomState,
  SendOptions,
  Sluice,
  SluiceErrorCode,
  SluiceEvents,
  SocketConstructor,
  State,
  TokenOption,
  TokenRequest,
}
export { SluiceError }
