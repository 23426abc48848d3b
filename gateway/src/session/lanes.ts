// Keeps the order of one connection's requests: they start in the order of their frames, and answers about one room leave in
// that order too, while different rooms do not wait for each other. Pure; knows nothing of frames or sockets.

interface Entry<answer> {
  /** Null once started. */
  start: (() => answer | Promise<answer>) | null
  /** Whether later entries of the lane wait until this one is answered. */
  readonly exclusive: boolean
  readonly emit: (answer: answer) => void
  settled: { readonly answer: answer } | null
}

/** The lanes of one connection. */
export interface Lanes<answer> {
  /**
   * Runs a request in the lane of its key: at once, unless an exclusive one before it is still running.
   *
   * @param exclusive - for what changes state that the next in the lane depends on
   * @param start - does the work; a rejection is the caller's to prevent
   * @param emit - called once, in the order of the lane; synchronously where `start` answers synchronously and nothing waits
   */
  run(key: string, exclusive: boolean, start: () => answer | Promise<answer>, emit: (answer: answer) => void): void
}

/** Lanes exist while something is under way in them; their number is bounded by the requests in flight. */
export function createLanes<answer>(): Lanes<answer> {
  const lanes = new Map<string, Entry<answer>[]>()

  function pump(key: string, lane: Entry<answer>[]): void {
    for (;;) {
      startAll(key, lane)
      const head = lane[0]
      if (head === undefined) {
        lanes.delete(key)
        return
      }
      if (head.settled === null) return
      lane.shift()
      head.emit(head.settled.answer)
    }
  }

  function startAll(key: string, lane: Entry<answer>[]): void {
    for (const entry of lane) {
      if (entry.start !== null) begin(key, lane, entry, entry.start)
      if (entry.exclusive && entry.settled === null) return
    }
  }

  function begin(
    key: string,
    lane: Entry<answer>[],
    entry: Entry<answer>,
    start: () => answer | Promise<answer>,
  ): void {
    entry.start = null
    const answer = start()
    if (!(answer instanceof Promise)) {
      entry.settled = { answer }
      return
    }
    void answer.then((value) => {
      entry.settled = { answer: value }
      pump(key, lane)
    })
  }

  return {
    run(key, exclusive, start, emit) {
      const lane = lanes.get(key)
      if (lane !== undefined) {
        lane.push({ start, exclusive, emit, settled: null })
        startAll(key, lane)
        return
      }
      const opened: Entry<answer>[] = [{ start, exclusive, emit, settled: null }]
      lanes.set(key, opened)
      pump(key, opened)
    },
  }
}
