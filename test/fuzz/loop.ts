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

/** Inputs between two looks at coverage, in widths of the target: a look takes some ten milliseconds, most inputs a tenth of one. */
const BATCH_WIDTHS = 8

/** Runs until the time is over or a promise is broken. */
export async function fuzz({ target, seed, seconds, corpus }: FuzzOptions): Promise<FuzzReport> {
  using coverage = startCoverage(target.covers)
  const kept: Uint8Array[] = []
  const endsAt = performance.now() + seconds * 1000
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
  const all = async (list: readonly Uint8Array[]): Promise<readonly string[]> => {
    for (let at = 0; at < list.length; at += target.width) await Promise.all(list.slice(at, at + target.width).map(one))
    return coverage.unseen()
  }
  /** Halves a list until it is known who reaches what, as a look at coverage costs more than many inputs. */
  const sift = async (list: readonly Uint8Array[]): Promise<void> => {
    const fresh = await all(list)
    if (fresh.length === 0 || (performance.now() > endsAt && list.length > 1)) return
    if (list.length === 1) {
      kept.push(...list)
      coverage.note(fresh)
      return
    }
    const middle = Math.ceil(list.length / 2)
    await sift(list.slice(0, middle))
    await sift(list.slice(middle))
  }
  const material = { chance: chanceOf(seed), words: target.words, bytesMax: target.bytesMax }
  try {
    await sift([...target.seeds, ...[...corpus].sort((a, b) => a.length - b.length)])
    while (performance.now() < endsAt) {
      await sift(Array.from({ length: BATCH_WIDTHS * target.width }, () => mutate({ ...material, corpus: kept })))
      // What happens only where inputs are together, or only at first, is nobody's.
      coverage.note(coverage.unseen())
    }
    await target.settled()
    return { inputs, blocks: coverage.blocks, kept, fault: null }
  } catch (error) {
    return { inputs, blocks: coverage.blocks, kept, fault: { input: faulty ?? new Uint8Array(), error } }
  }
}
