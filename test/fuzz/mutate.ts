// Changes of inputs, from a seed: the same seed makes the same inputs in the same order. Owns chance; knows nothing of any format.

/** Makes a number in [0, 1), the same series for the same seed (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** See {@link mutate}. */
export interface Material {
  readonly chance: () => number
  /** Inputs to begin with and to cross with; at least one. */
  readonly corpus: readonly Uint8Array[]
  readonly words: readonly Uint8Array[]
  readonly bytesMax: number
}

/** One input changed in one to six places. */
export function mutate({ chance, corpus, words, bytesMax }: Material): Uint8Array {
  const pick = <value>(list: readonly value[]): value => list[Math.floor(chance() * list.length)] as value
  let bytes = Buffer.from(pick(corpus))
  for (let left = 1 + Math.floor(chance() * 6); left > 0; left--) {
    const at = Math.floor(chance() * (bytes.length + 1))
    const cut = Math.floor(chance() * chance() * (bytes.length - at + 1))
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
    switch (Math.floor(chance() * 7)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
        break
      case 1:
        if (at < bytes.length) bytes[at] = Math.floor(chance() * 256)
        break
      case 2:
        bytes = Buffer.concat([head, tail.subarray(cut)])
        break
      case 3:
        bytes = Buffer.concat([head, pick(words), tail])
        break
      case 4:
        bytes = Buffer.concat([head, pick(words), tail.subarray(cut)])
        break
      case 5:
        bytes = Buffer.concat([
          head,
          ...Array.from({ length: Math.ceil(chance() * 30) }, () => tail.subarray(0, cut)),
          tail,
        ])
        break
      default: {
        const other = pick(corpus)
        const from = Math.floor(chance() * other.length)
        bytes = Buffer.concat([head, other.subarray(from)])
      }
    }
    if (bytes.length > bytesMax) bytes = bytes.subarray(0, bytesMax)
  }
  return bytes
}
