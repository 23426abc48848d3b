// The figures of a run: costs of slices in, ratios to their neighbours, median and quartiles out. Pure; time and processes are
// elsewhere.

/** What a set of figures is told by. */
export interface Summary {
  readonly count: number
  readonly median: number
  readonly q1: number
  readonly q3: number
}

/** Quartiles further apart than this share of the median are noise: a busy neighbour, or too few slices. */
export const NOISE_MAX = 0.1

/** Budgets gate at 15 % above: the spread between machines that were measured. */
export const GATE_TOLERANCE = 0.15

/**
 * A quantile by linear interpolation between the two nearest figures (Hyndman and Fan, type 7).
 *
 * @param share - from 0 to 1
 * @throws RangeError if there are no figures
 */
export function quantile(figures: readonly number[], share: number): number {
  if (figures.length === 0) throw new RangeError('no figures')
  const sorted = figures.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)] as number
  const above = sorted[Math.ceil(at)] as number
  return below + (above - below) * (at - Math.floor(at))
}

/** Median and quartiles. */
export function summarise(figures: readonly number[]): Summary {
  return {
    count: figures.length,
    median: quantile(figures, 0.5),
    q1: quantile(figures, 0.25),
    q3: quantile(figures, 0.75),
  }
}

/** The share of the median that lies between the quartiles. */
export function spread({ median, q1, q3 }: Summary): number {
  return (q3 - q1) / median
}

/** The cost of one slice: CPU of the server process for a delivery, in microseconds. */
export interface SliceCost {
  readonly server: string
  readonly micros: number
}

/**
 * The ratios of each server's slices to the mean of the two reference slices around them. What changes slowly, such as a
 * clock rate or a neighbour, is the same in all three and goes out.
 *
 * @param slices - in the order of the run; between two references stands at most one other. NaN is a slice that does not count
 */
export function ratiosToNeighbours(slices: readonly SliceCost[], reference: string): Map<string, number[]> {
  const ratios = new Map<string, number[]>()
  for (const [at, { server, micros }] of slices.entries()) {
    const before = slices[at - 1]
    const after = slices[at + 1]
    if (server === reference || before?.server !== reference || after?.server !== reference) continue
    const ratio = micros / ((before.micros + after.micros) / 2)
    if (Number.isNaN(ratio)) continue
    const own = ratios.get(server) ?? []
    own.push(ratio)
    ratios.set(server, own)
  }
  return ratios
}
