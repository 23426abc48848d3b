// The judge of one member's view of a room with history [P-16.7]: every offset once, each linked to the one before. Pure; it knows
// nothing of sockets, k6 or Node.

/** What is judged of a message. */
export interface Link {
  readonly offset?: number
  readonly prev?: number
  readonly time?: number
}

/** Where a member stands [P-16.4]. */
export interface Position {
  readonly epoch: string
  readonly offset: number
  readonly time?: number
}

/** What a message is to the chain. */
export type Verdict = 'next' | 'lost' | 'doubled' | 'live'

/** A chain of one room. */
export interface Chain {
  readonly position: Position | null
  /** A `join` was answered, or a `gap` told: the chain goes on from there. */
  stand(position: Position): void
  /** `live` has no offset, and no place in the chain [P-16.14]. */
  take(message: Link): Verdict
  /** One's own message was acknowledged: it must come, at this offset. */
  expect(offset: number): void
  /** Acknowledged messages of one's own that have not come. */
  readonly missing: number
}

/** Makes one that stands nowhere. */
export function createChain(): Chain {
  let position: Position | null = null
  const expected = new Set<number>()
  return {
    get position() {
      return position
    },
    stand(at) {
      position = at
    },
    take({ offset, prev = 0, time }) {
      if (offset === undefined) return 'live'
      if (position === null) return 'doubled'
      if (offset <= position.offset) return 'doubled'
      const verdict = prev > position.offset ? 'lost' : 'next'
      position = { epoch: position.epoch, offset, ...(time === undefined ? {} : { time }) }
      expected.delete(offset)
      return verdict
    },
    expect(offset) {
      if (position === null || offset > position.offset) expected.add(offset)
    },
    get missing() {
      return expected.size
    },
  }
}
