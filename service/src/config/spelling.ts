// "Did you mean": the nearest of the known names. Pure.

/** Longer names are no misspelling of ours, and the work grows with the square. */
const NAME_CHARS_MAX = 80

/**
 * The known name nearest to an unknown one.
 *
 * @returns null unless at most a quarter of its characters (and two at least) would have to change
 */
export function nearest(unknown: string, known: readonly string[]): string | null {
  if (unknown.length > NAME_CHARS_MAX) return null
  let best: string | null = null
  let bestDistance = Math.max(2, Math.floor(unknown.length / 4)) + 1
  for (const candidate of known) {
    const distance = editDistance(unknown.toLowerCase(), candidate.toLowerCase())
    if (distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** Levenshtein's distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    above = current
  }
  return above[right.length] ?? 0
}
