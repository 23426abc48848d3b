// How many reads of histories may be under way at the server at a time: it runs them in the read loop of our connection, so more
// would only wait there, before everything else. Those behind wait here, in order and bounded. Knows nothing of what it runs.

/** See {@link createHistoryQueue}. */
export interface HistoryQueueBounds {
  readonly inFlightMax: number
  readonly waitingMax: number
}

/** A queue of reads. */
export interface HistoryQueue {
  readonly inFlight: number
  readonly waiting: number
  /**
   * Runs a task when its turn comes.
   *
   * @param signal - a task that still waits when it is aborted is dropped
   * @returns null if there is no room to wait, or it was dropped
   */
  run<result>(task: () => Promise<result>, signal: AbortSignal): Promise<result | null>
}

/** Makes an empty queue. */
export function createHistoryQueue({ inFlightMax, waitingMax }: HistoryQueueBounds): HistoryQueue {
  let inFlight = 0
  /** In order of arrival; each tells whether its turn has come. */
  const turns = new Set<(granted: boolean) => void>()

  function turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false)
    if (inFlight < inFlightMax) {
      inFlight++
      return Promise.resolve(true)
    }
    if (turns.size >= waitingMax) return Promise.resolve(false)
    return new Promise((resolve) => {
      const drop = (): void => settle(false)
      const settle = (granted: boolean): void => {
        turns.delete(settle)
        signal.removeEventListener('abort', drop)
        resolve(granted)
      }
      turns.add(settle)
      signal.addEventListener('abort', drop)
    })
  }

  function release(): void {
    const [next] = turns
    // The place goes from hand to hand: nobody who comes meanwhile overtakes.
    if (next === undefined) inFlight--
    else next(true)
  }

  return {
    get inFlight() {
      return inFlight
    },
    get waiting() {
      return turns.size
    },
    async run(task, signal) {
      if (!(await turn(signal))) return null
      try {
        return await task()
      } finally {
        release()
      }
    },
  }
}
