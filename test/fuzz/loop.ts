// The search: inputs are changed at random, and those that reach blocks which none before has reached are kept and changed further. Owns when to
// look at coverage, as a look costs more than an input; knows nothing of files.
import { startCoverage } from './coverage.ts'
import { chanceOf, mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** See {@link fuzz}. */
export interface FuzzOptions {
  readonly target: Target
  readonly seed: number
  readonly seconds: number
  /** What earlier runs have kept. */
  readonly corpus: readonly Uint8Array[]
}

/** What came of it. */
export interface FuzzReport {
  readonly inputs: number
  readonly blocks: number
  /** Inputs that together reach all of these blocks, none of them in vain. */
  readonly kept: readonly Uint8Array[]
  /** The first input that broke a promise, if any did. */
  readonly fault: { readonly input: Uint8Array; readonly error: unknown } | null
}

/** Between two looks at coverage. */
const BATCH = 256

/** Runs until the time is over or a promise is broken. */
export async function fuzz({ target, seed, seconds, corpus }: FuzzOptions): Promise<FuzzReport> {
  using coverage = startCoverage(target.covers)
  const kept: Uint8Array[] = []
  let inputs = 0
  let faulty: Uint8Array | null = null
  const one = async (input: Uint8Array): Promise<void> => {
    inputs++
    try {
      await target.run(input)
    } catch (error) {
      faulty ??= input
      throw error
    }
  }
  /** One by one, as those of a batch hide each other. */
  const sift = async (list: readonly Uint8Array[]): Promise<void> => {
    for (const input of list) {
      await one(input)
      const fresh = coverage.unseen()
      if (fresh.length > 0) kept.push(input)
      coverage.note(fresh)
    }
  }
  const material = { chance: chanceOf(seed), words: target.words, bytesMax: target.bytesMax }
  const endsAt = performance.now() + seconds * 1000
  try {
    await sift([...target.seeds, ...[...corpus].sort((a, b) => a.length - b.length)])
    while (performance.now() < endsAt) {
      const batch = Array.from({ length: BATCH }, () => mutate({ ...material, corpus: kept }))
      for (let at = 0; at < batch.length; at += target.width)
        await Promise.all(batch.slice(at, at + target.width).map(one))
      const fresh = coverage.unseen()
      if (fresh.length > 0) await sift(batch)
      // What only happens between inputs is nobody's.
      coverage.note(fresh)
    }
    await target.settled()
    return { inputs, blocks: coverage.blocks, kept, fault: null }
  } catch (error) {
    return { inputs, blocks: coverage.blocks, kept, fault: { input: faulty ?? new Uint8Array(), error } }
  }
}
