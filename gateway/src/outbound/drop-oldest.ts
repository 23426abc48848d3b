// Makes room in the queue of a slow reader: the oldest frames that it may lose go, and a notice stands in their place, one for all that
// was lost of one source. Nothing here runs for a connection whose queue is within its bound. Step 5 of the message path.
import { continues, type Droppable, droppableOf, extend, type Loss, undroppable } from './droppable.ts'
import { type Outgoing, waitingBytes } from './outgoing.ts'

/** See {@link createDropOldest}. */
export interface DropOldestOptions {
  /** What may wait for one connection, its socket's own buffer included. */
  readonly queueBytesMax: number
  /** The frame that tells a connection what it has lost. */
  readonly notice: (connection: Outgoing, loss: Loss) => Buffer
  readonly counters: { deliveriesDropped: number }
}

/** The losses of those who read slowly. */
export interface DropOldest {
  /**
   * Called when a frame does not fit.
   *
   * @returns `fits` if it does now; `dropped` if it was lost itself, which is told; `full` if what may not be lost leaves no room
   */
  makeRoom(connection: Outgoing, frame: Buffer): 'fits' | 'dropped' | 'full'
  /** What is in the queue of a source may not be lost any more, nor be told together with what comes. */
  keep(connection: Outgoing, source: object): void
  /** The queue is gone: written, or dropped. */
  forget(connection: Outgoing): void
}

/** What is known of a queue that has lost something. */
interface Losses {
  /** Frames before this place have been looked at and stay. */
  kept: number
  /** The loss of each source that may still grow, with the place of its notice. */
  readonly growing: Map<object, PlacedLoss>
}

type PlacedLoss = Loss & { readonly at: number }

/** Holds the place of a notice that is to be built. */
const UNBUILT = Buffer.alloc(0)

/** Makes it. */
export function createDropOldest({ queueBytesMax, notice, counters }: DropOldestOptions): DropOldest {
  /** Only those whose queue has run over and was not written since. */
  const losses = new Map<Outgoing, Losses>()
  // Down to half: a queue is looked through once for each half of its bound that comes, however slow its reader.
  const bytesWanted = Math.floor(queueBytesMax / 2)

  /** @returns whether it has begun a loss, whose notice is to stand at that place */
  function lose({ growing }: Losses, droppable: Droppable, at: number, changed: Set<PlacedLoss>): boolean {
    counters.deliveriesDropped++
    const { source } = droppable
    const known = growing.get(source)
    const goesOn = known !== undefined && continues(known, droppable)
    const loss: PlacedLoss = goesOn ? known : { source, missed: 0, stored: null, at }
    extend(loss, droppable)
    changed.add(loss)
    if (!goesOn) growing.set(source, loss)
    return !goesOn
  }

  /** @returns whether all that could be lost is */
  function dropFrom(
    connection: Outgoing,
    queue: Buffer[],
    excess: number,
    known: Losses,
    changed: Set<PlacedLoss>,
  ): boolean {
    let { kept } = known
    let at = kept
    let freed = 0
    for (; at < queue.length && freed < excess; at++) {
      const frame = queue[at] as Buffer
      const droppable = droppableOf(frame)
      if (droppable === undefined) queue[kept++] = frame
      else {
        freed += frame.length
        if (lose(known, droppable, kept, changed)) queue[kept++] = UNBUILT
      }
    }
    const all = at === queue.length
    known.kept = kept
    while (at < queue.length) queue[kept++] = queue[at++] as Buffer
    queue.length = kept
    connection.queueBytes -= freed
    return all
  }

  function tell(connection: Outgoing, queue: Buffer[], changed: Set<PlacedLoss>): void {
    for (const loss of changed) {
      const frame = notice(connection, loss)
      connection.queueBytes += frame.length - (queue[loss.at] as Buffer).length
      queue[loss.at] = frame
    }
    changed.clear()
  }

  return {
    makeRoom(connection, frame) {
      connection.queue ??= []
      const { queue } = connection
      const known = losses.get(connection) ?? { kept: 0, growing: new Map() }
      const changed = new Set<PlacedLoss>()
      const all = dropFrom(connection, queue, waitingBytes(connection) + frame.length - bytesWanted, known, changed)
      tell(connection, queue, changed)
      if (known.growing.size > 0) losses.set(connection, known)
      if (waitingBytes(connection) + frame.length <= queueBytesMax) return 'fits'
      const droppable = droppableOf(frame)
      // Behind what is still in the queue it is not the oldest.
      if (droppable === undefined || !all) return 'full'
      losses.set(connection, known)
      if (lose(known, droppable, queue.length, changed)) queue.push(UNBUILT)
      known.kept = queue.length
      tell(connection, queue, changed)
      return waitingBytes(connection) <= queueBytesMax ? 'dropped' : 'full'
    },
    keep(connection, source) {
      losses.get(connection)?.growing.delete(source)
      const { queue } = connection
      if (queue === null) return
      for (const [at, frame] of queue.entries()) {
        if (droppableOf(frame)?.source === source) queue[at] = undroppable(frame)
      }
    },
    forget(connection) {
      if (losses.size > 0) losses.delete(connection)
    },
  }
}
