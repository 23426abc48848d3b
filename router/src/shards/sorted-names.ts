// Names in order, kept so as they come and go: pages of a list begin anywhere, and nobody sorts a hundred thousand names for each.

/** Names sorted by UTF-16 units, each once. */
export class SortedNames<name extends string> {
  readonly #names: name[] = []

  /** Does nothing for one that is there. */
  add(name: name): void {
    const at = this.#indexOf(name)
    if (this.#names[at] !== name) this.#names.splice(at, 0, name)
  }

  /** Does nothing for one that is not there. */
  delete(name: name): void {
    const at = this.#indexOf(name)
    if (this.#names[at] === name) this.#names.splice(at, 1)
  }

  /** Those above a text, in order; must not be changed meanwhile. */
  *after(text: string): Generator<name> {
    let at = this.#indexOf(text)
    if (this.#names[at] === text) at++
    for (; at < this.#names.length; at++) yield this.#names[at] as name
  }

  get size(): number {
    return this.#names.length
  }

  /** Where a text stands, or would. */
  #indexOf(text: string): number {
    let from = 0
    let to = this.#names.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.#names[middle] as string) < text) from = middle + 1
      else to = middle
    }
    return from
  }
}
