// One timer wheel for all connections: a timer for each would cost 248 bytes and a place in a heap. Counts ticks, not time, so
// that time in which this process did not run is nobody's silence. Pure but for the arrays it keeps.

/** The fields that the wheel keeps on an item. */
export interface Wheeled {
  /** The slot it stands in, or -1. */
  wheelSlot: number
  /** Its place in that slot. */
  wheelAt: number
}

/** A wheel of items that are due at a tick. */
export interface Wheel<item extends Wheeled> {
  /** Ticks since the start. */
  readonly tick: number
  /** Makes an item due in so many ticks, instead of whenever it was due before; at least 1, at most the wheel's size less 1. */
  schedule(item: item, ticks: number): void
  cancel(item: item): void
  /** Turns by one tick and takes out what is due. */
  advance(): readonly item[]
}

/** @param size - slots; what lies further ahead is scheduled again on the way */
export function createWheel<item extends Wheeled>(size: number): Wheel<item> {
  const slots: item[][] = Array.from({ length: size }, () => [])
  let tick = 0

  function cancel(item: item): void {
    if (item.wheelSlot === -1) return
    const slot = slots[item.wheelSlot] as item[]
    const last = slot.pop() as item
    if (last !== item) {
      slot[item.wheelAt] = last
      last.wheelAt = item.wheelAt
    }
    item.wheelSlot = -1
  }

  return {
    get tick() {
      return tick
    },
    schedule(item, ticks) {
      cancel(item)
      item.wheelSlot = (tick + Math.min(Math.max(Math.ceil(ticks), 1), size - 1)) % size
      item.wheelAt = (slots[item.wheelSlot] as item[]).push(item) - 1
    },
    cancel,
    advance() {
      tick++
      const due = slots[tick % size] as item[]
      slots[tick % size] = []
      for (const item of due) item.wheelSlot = -1
      return due
    },
  }
}
