// Shares turns of the event loop between upgrades and all else: who has opened a thousand connections and then sends all their requests at
// once has only some of them handled in a turn. The others wait, in order. Decides nothing about them. Step 1 of the message path.

/**
 * Takes upgrades: handles one at once, or after those that wait already.
 *
 * @param perTurnMax - handled in one turn of the event loop
 */
export function createUpgradeTurns<item>(perTurnMax: number, handle: (item: item) => void): (item: item) => void {
  /** Bounded by the connections that the server takes. */
  const waiting: item[] = []
  let handled = 0

  function next(): void {
    const turn = waiting.splice(0, perTurnMax)
    handled = turn.length
    if (handled > 0) setImmediate(next)
    for (const item of turn) handle(item)
  }

  return (item) => {
    if (handled >= perTurnMax || waiting.length > 0) {
      waiting.push(item)
      return
    }
    if (handled === 0) setImmediate(next)
    handled++
    handle(item)
  }
}
