// A room as the application holds it: a channel that one also publishes into, and whose members one sees.
import type { Receipt, Room } from './api.ts'
import { type ChannelHost, FeedChannel, quiet } from './channel.ts'
import type { Presence } from './events.ts'
import type { Wishes } from './feed-joins.ts'
import type { PublishOptions, RequestOptions } from './options.ts'
import { type Member, membersOf } from './presence-view.ts'
import { countOf, type Frame } from './server-frame.ts'

/** See the head of the file. */
export class FeedRoom extends FeedChannel implements Room {
  readonly name: string

  constructor(host: ChannelHost, name: string, wishes: Wishes) {
    super(host, { room: name }, wishes)
    this.name = name
  }

  get members(): readonly Member[] {
    return this.feed.view.members
  }

  get count(): number {
    return this.feed.view.count
  }

  publish(data: unknown, options: PublishOptions = {}): Promise<Receipt> {
    const { event, key, ephemeral, echo, ...request } = options
    const frame = { type: 'publish', room: this.name, data, event, key, ephemeral, echo }
    return quiet(this.host.submit(frame, 'keyed', request).then(receiptOf))
  }

  presence(options: RequestOptions = {}): Promise<Presence> {
    const asked = this.host.submit({ type: 'presence', room: this.name }, 'read', options)
    return quiet(asked.then((ok) => ({ members: membersOf(ok), count: countOf(ok, 'count') ?? 0 })))
  }
}

/** What an `ok` says of a message. */
export function receiptOf(ok: Frame): Receipt {
  return { offset: countOf(ok, 'offset'), duplicate: ok.duplicate === true }
}
