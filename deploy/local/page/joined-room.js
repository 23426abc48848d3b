// One room of the page: joined with whatever its namespace offers, its messages and members shown, older messages on demand.

const HISTORY = 20
const OLDER = 20
/** What is asked for, best first: a namespace may have presence or history off, and says so. */
const OFFERS = [{ presence: true, history: HISTORY }, { history: HISTORY }, { presence: true }, {}]

/** A room that was asked for. Built by the page for each switch. */
export class JoinedRoom {
  #sluice
  #name
  #shown
  #room = null
  #offer = 0
  #oldest = null

  /**
   * @param sluice - the client
   * @param name - as it was typed
   * @param shown - told of everything: onJoined, onRefused, onMessage, onNote, onMembers, onOlder
   */
  constructor(sluice, name, shown) {
    this.#sluice = sluice
    this.#name = name
    this.#shown = shown
    this.#ask()
  }

  /** As the gateway writes it. */
  get name() {
    return this.#room.name
  }

  get joined() {
    return this.#room.state === 'joined'
  }

  publish(data) {
    return this.#room.publish(data)
  }

  leave() {
    return this.#room.leave()
  }

  /** Older messages than any that is shown, in front of them. */
  async older() {
    const page = await this.#room.history({ limit: OLDER, ...(this.#oldest === null ? {} : { before: this.#oldest }) })
    for (const message of page.messages.toReversed()) this.#show(message, true)
    this.#shown.onOlder(page.more)
  }

  #ask() {
    const options = OFFERS[this.#offer]
    const room = this.#sluice.room(this.#name, options)
    this.#room = room
    room.on('state', (state) => {
      if (state === 'joined') this.#shown.onJoined(options)
    })
    room.on('refused', (error) => {
      if (error.code === 'not_enabled' && this.#offer < OFFERS.length - 1) void this.#askLess(room)
      else this.#shown.onRefused(error)
    })
    room.on('message', (message) => this.#show(message, false))
    room.on('members', ({ members, count }) => this.#shown.onMembers(members, count))
    room.on('recovered', ({ messages }) => this.#shown.onNote(`back, ${messages} missed messages recovered`))
    room.on('gap', ({ reason }) => this.#shown.onNote(`messages were missed (${reason})`))
    room.on('fault', ({ kind }) => this.#shown.onNote(`the server left messages out (${kind}); repairing`))
    room.on('removed', ({ code, reason }) => this.#shown.onNote(`removed from the room (${code}: ${reason})`))
  }

  async #askLess(refused) {
    this.#offer++
    await refused.leave().catch(() => undefined)
    this.#ask()
  }

  #show(message, inFront) {
    if (message.offset !== undefined) this.#oldest = Math.min(this.#oldest ?? message.offset, message.offset)
    this.#shown.onMessage(message, inFront)
  }
}
