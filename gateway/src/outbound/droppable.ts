// Frames that a slow reader may lose: which they are, and what is told for those that it has lost. The mark is on the frame that all
// recipients share, so that a queue stays a plain list of buffers and a delivery costs no more. Knows no topics. Step 5 of the message path.

/** What a frame is of, and where it stands there. */
export interface Droppable {
  /** What was lost of one source is told in one notice. */
  readonly source: object
  /** Null for an ephemeral message. */
  readonly place: DroppablePlace | null
}

/** Where a stored message stands. */
export interface DroppablePlace {
  readonly epoch: string
  /** Counts the beginnings of its history: places of two of them are not compared, even under one epoch. */
  readonly era: number
  readonly prev: number
  readonly offset: number
}

/** What one connection has lost of one source, one after the other. */
export interface Loss {
  readonly source: object
  /** Messages. */
  missed: number
  /** The position before the first stored one and that of the last; null while all of them were ephemeral. */
  stored: { readonly epoch: string; readonly era: number; readonly from: number; readonly to: number } | null
}

type Marked = Buffer & { droppable?: Droppable }

/** Lets slow readers lose a frame. */
export function markDroppable(frame: Buffer, droppable: Droppable): void {
  ;(frame as Marked).droppable = droppable
}

/** What a frame was marked with; undefined where nobody may lose it. */
export function droppableOf(frame: Buffer): Droppable | undefined {
  return (frame as Marked).droppable
}

/** The same bytes as a frame that its reader may not lose: it has asked for them, or is told of them by what follows. */
export function undroppable(frame: Buffer): Buffer {
  return droppableOf(frame) === undefined ? frame : frame.subarray()
}

/** Whether a message continues a loss: if not, something that is not lost stands between, and it begins another one. */
export function continues({ stored }: Loss, { place }: Droppable): boolean {
  if (stored === null || place === null) return true
  return stored.epoch === place.epoch && stored.era === place.era && place.prev <= stored.to && place.offset > stored.to
}

/** Adds a message to a loss that it continues. */
export function extend(loss: Loss, { place }: Droppable): void {
  loss.missed++
  if (place === null) return
  const { epoch, era, prev, offset } = place
  loss.stored = { epoch, era, from: loss.stored?.from ?? prev, to: offset }
}
