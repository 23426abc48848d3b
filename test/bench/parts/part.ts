// A part of the benchmark, as the catalogue lists it.
import type { PartReport } from '../figures.ts'
import type { PartOptions } from '../floor.ts'

/** One part. */
export interface Part {
  /** How the command line calls it. */
  readonly id: string
  readonly title: string
  /** Whether it runs when none is named; not what needs a whole machine. */
  readonly usual: boolean
  run(options: PartOptions): Promise<PartReport>
}
