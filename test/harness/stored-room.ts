// A room with a history as the contract has it, played on scripted gateways: it stores, numbers with holes, recovers, and tells live
// messages to all who have joined. For tests of the client while they cut, move and break its sockets.
import type { Frame } from './client.ts'
import type { ScriptedConnection, ScriptedGateway } from './scripted-gateway.ts'

/** A stored message. */
export interface Stored {
  readonly offset: number
  readonly prev: number
  readonly time: number
  readonly data: unknown
  readonly key?: string
}

/** See the head of the file. */
export class StoredRoom {
  readonly messages: Stored[] = []
  epoch = 'e1'
  /** Messages before it are gone. */
  first = 0
  readonly #name: string
  readonly #members = new Set<ScriptedConnection>()
  #offset = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Plays it on a gateway, whose other rooms have no history. */
  on(gateway: ScriptedGateway): this {
    gateway.play('join', (frame, connection) => this.join(frame, connection))
    gateway.play('leave', (frame, connection) => {
      this.#members.delete(connection)
      connection.ok(frame)
    })
    gateway.play('publish', (frame, connection) => {
      if (frame.room !== this.#name) return connection.ok(frame)
      const known = this.messages.find(({ key }) => key !== undefined && key === frame.key)
      const stored =
        known ?? this.store(frame.data, frame.key as string | undefined, frame.echo === false ? connection : null)
      const { offset, prev } = stored
      const placed = frame.echo === false ? { prev } : {}
      connection.ok(frame, {
        offset,
        epoch: this.epoch,
        ...placed,
        ...(known === undefined ? {} : { duplicate: true }),
      })
    })
    return this
  }

  /** Stores a message and tells it to all members but one. */
  store(data: unknown, key?: string, except: ScriptedConnection | null = null): Stored {
    // Other rooms share the stream: offsets grow with holes.
    this.#offset += 1 + (this.messages.length % 3)
    const prev = this.messages.at(-1)?.offset ?? 0
    const stored = { offset: this.#offset, prev, time: 1_790_000_000_000 + this.#offset, data, ...(key ? { key } : {}) }
    this.messages.push(stored)
    for (const member of this.#members) {
      if (member.closed !== null) this.#members.delete(member)
      else if (member !== except) member.send(this.frame(stored))
    }
    return stored
  }

  /** A message as members get it. */
  frame(stored: Stored): object {
    return { type: 'message', room: this.#name, ...stored }
  }

  /** The position at which it is live. */
  get position(): { epoch: string; offset: number; time: number } {
    return { epoch: this.epoch, offset: this.#offset, time: 1_790_000_000_000 + this.#offset }
  }

  /** Answers a join. */
  join(frame: Frame, connection: ScriptedConnection): void {
    if (frame.room !== this.#name) return connection.ok(frame)
    const since = frame.since as { epoch: string; offset: number } | undefined
    this.#members.add(connection)
    const recovered = since?.epoch === this.epoch && since.offset >= this.first
    const count = typeof frame.history === 'number' ? frame.history : 0
    const last = count === 0 ? [] : this.messages.slice(-count)
    const above = recovered ? this.messages.filter(({ offset }) => offset > since.offset) : last
    if (since !== undefined && !recovered) {
      const before = above[0] === undefined ? this.position : { epoch: this.epoch, offset: above[0].prev }
      connection.send({ type: 'gap', room: this.#name, reason: 'epoch', ...before })
    }
    for (const stored of above) connection.send(this.frame(stored))
    if (since === undefined) connection.ok(frame, this.position)
    else connection.ok(frame, { ...this.position, recovered })
  }
}
