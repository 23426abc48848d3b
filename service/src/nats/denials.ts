// Publishes that NATS has refused for want of a permission. The server says so once for each, before it answers a later ping, so
// that such a publish is answered with an error and not with its ping's pong. Bounded; the oldest subject is forgotten first.

/** Subjects remembered: a permission that denies more of them at once is a fault that the log tells of. */
const DENIALS_MAX = 1024

/** What one connection was refused. */
export interface Denials {
  add(subject: string): void
  /** Whether a publish to the subject was refused that nobody was told of yet; that one counts as told from now on. */
  take(subject: string): boolean
  /** For a new connection, which has refused nothing. */
  clear(): void
}

/** Makes an empty memory. Refusals are counted, as many publishes of one turn may go to one subject. */
export function createDenials(): Denials {
  const counts = new Map<string, number>()
  return {
    add(subject) {
      const count = counts.get(subject) ?? 0
      counts.delete(subject)
      counts.set(subject, count + 1)
      if (counts.size > DENIALS_MAX) counts.delete(counts.keys().next().value as string)
    },
    take(subject) {
      const count = counts.get(subject)
      if (count === undefined) return false
      if (count === 1) counts.delete(subject)
      else counts.set(subject, count - 1)
      return true
    },
    clear: () => counts.clear(),
  }
}
