// Keeps the order of one connection's requests: they start in the order of their frames, and answers about one room leave in
// that order too, while different rooms do not wait for each other. Pure; knows nothing of frames or sockets.

/**
 * An answer that is given later, from within whatever brings it: unlike a promise it is emitted before anything else happens,
 * where nothing in its lane waits before it.
 */
export class Later<answer> {
  #answer: { readonly value: answer } | null = null
  #listener: ((value: answer) => boolean) | null = null

  /**
   * Gives the answer; a second one is ignored.
   *
   * @returns whether it was emitted here and now
   */
  settle(value: answer): boolean {
    if (this.#answer !== null) return false
    this.#answer = { value }
    return this.#listener?.(value) ?? false
  }

  /** For the lane: calls back once, now if the answer is there. */
  listen(listener: (value: answer) => boolean): void {
    if (this.#answer !== null) listener(this.#answer.value)
    else this.#listener = listener
  }
}

/** What starting a request gives. */
export type Started<answer> = answer | Later<answer> | Promise<answer | Later<answer>>

interface Entry<answer> {
  /** Null once started. */
  start: (() => Started<answer>) | null
  /** Whether it waits for all entries before it, and later ones wait until it is answered. */
  readonly exclusive: boolean
  readonly emit: (answer: answer) => void
  settled: { readonly answer: answer } | null
}

/** What a request is about; a new symbol is a lane that no other request shares. */
export type LaneKey = string | symbol

/** The lanes of one connection. */
export interface Lanes<answer> {
  /**
   * Runs a request in the lane of its key: at once, unless an exclusive one before it is still running.
   *
   * @param exclusive - for what changes state that the next in the lane depends on, and whose answer must leave when it is done: it
   * starts when everything before it is answered
   * @param start - does the work; a rejection is the caller's to prevent
   * @param emit - called once, in the order of the lane; synchronously where `start` answers synchronously and nothing waits
   */
  run(key: LaneKey, exclusive: boolean, start: () => Started<answer>, emit: (answer: answer) => void): void
}

/** Lanes exist while something is under way in them; their number is bounded by the requests in flight. */
export function createLanes<answer>(): Lanes<answer> {
  return new ConnectionLanes()
}

/** A class and no closures, and no map while nothing is under way: there is one for each connection, and most are idle. */
class ConnectionLanes<answer> implements Lanes<answer> {
  #lanes: Map<LaneKey, Entry<answer>[]> | null = null

  run(key: LaneKey, exclusive: boolean, start: () => Started<answer>, emit: (answer: answer) => void): void {
    const entry: Entry<answer> = { start, exclusive, emit, settled: null }
    const lane = this.#lanes?.get(key)
    if (lane !== undefined) {
      lane.push(entry)
      this.#startAll(key, lane)
      return
    }
    const opened = [entry]
    this.#lanes ??= new Map()
    this.#lanes.set(key, opened)
    this.#pump(key, opened)
  }

  #pump(key: LaneKey, lane: Entry<answer>[]): void {
    for (;;) {
      this.#startAll(key, lane)
      const head = lane[0]
      if (head === undefined) return this.#close(key, lane)
      if (head.settled === null) return
      lane.shift()
      head.emit(head.settled.answer)
    }
  }

  #close(key: LaneKey, lane: Entry<answer>[]): void {
    // An answer may have emptied this lane, and opened the next one of its key, from within another.
    if (this.#lanes?.get(key) !== lane) return
    this.#lanes.delete(key)
    if (this.#lanes.size === 0) this.#lanes = null
  }

  #startAll(key: LaneKey, lane: Entry<answer>[]): void {
    for (let at = 0; at < lane.length; at++) {
      const entry = lane[at] as Entry<answer>
      if (entry.exclusive && at > 0) return
      if (entry.start !== null) this.#begin(key, lane, entry, entry.start)
      if (entry.exclusive && entry.settled === null) return
    }
  }

  #begin(key: LaneKey, lane: Entry<answer>[], entry: Entry<answer>, start: () => Started<answer>): void {
    entry.start = null
    const answer = start()
    if (answer instanceof Promise) void answer.then((value) => this.#settle(key, lane, entry, value, true))
    else this.#settle(key, lane, entry, answer, false)
  }

  /** @param began - whether the loop that has begun the request is over, so that an answer has to be brought out */
  #settle(
    key: LaneKey,
    lane: Entry<answer>[],
    entry: Entry<answer>,
    answer: answer | Later<answer>,
    began: boolean,
  ): void {
    if (answer instanceof Later) {
      let started = began
      answer.listen((value) => {
        entry.settled = { answer: value }
        if (started) this.#pump(key, lane)
        return !lane.includes(entry)
      })
      started = true
      return
    }
    entry.settled = { answer }
    if (began) this.#pump(key, lane)
  }
}
