// Counts by kind: plain numbers that cost an addition, read when Prometheus asks. No room, user or address is ever a kind.

/** More kinds than any table of ours has; a bound, should one come from outside after all. */
const LABELS_MAX = 64

/** Where kinds beyond the bound are counted. */
const OTHER = 'other'

/** Counts by kind: a close code, a reason. The kinds are bounded, the rest is counted together as `other`. */
export class Tally {
  readonly #counts = new Map<string | number, number>()

  /** @param known - kinds that are told from the start, with 0: a rate over a series that appears late misses its first step */
  constructor(known: readonly (string | number)[] = []) {
    for (const label of known) this.#counts.set(label, 0)
  }

  /** Counts one more of a kind, or `by` more. */
  add(label: string | number, by = 1): void {
    const count = this.#counts.get(label)
    if (count !== undefined) this.#counts.set(label, count + by)
    else if (this.#counts.size < LABELS_MAX) this.#counts.set(label, by)
    else this.#counts.set(OTHER, (this.#counts.get(OTHER) ?? 0) + by)
  }

  /** The count of one kind; 0 where there was none. */
  get(label: string | number): number {
    return this.#counts.get(label) ?? 0
  }

  /** The count of all kinds. */
  get total(): number {
    let sum = 0
    for (const count of this.#counts.values()) sum += count
    return sum
  }

  /** Each kind with its count. */
  entries(): Iterable<readonly [string | number, number]> {
    return this.#counts.entries()
  }
}
