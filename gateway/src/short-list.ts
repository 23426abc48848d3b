// Lists that mostly stay short, of which there are several for each of very many connections. Owns how they grow, and nothing else.

/** Up to here a list is copied to its exact length; then it grows as arrays do, with room for half as many again. */
const EXACT_MAX = 8

/**
 * A list with one more item: the same list, or a copy. V8 makes room for 17 items at the first `push`, which is 136 bytes, and more than most
 * lists of a connection ever hold.
 *
 * @param list - not to be used any more
 */
export function appended<item>(list: item[], item: item): item[] {
  // Concatenated, not spread: a spread followed by an item makes the same room as a `push`.
  if (list.length < EXACT_MAX) return list.concat([item])
  list.push(item)
  return list
}
