// Who is in a room as one watcher was told, and whether what it was told can be [P-15.5]. Pure.

/** What is looked at of a frame. */
export interface PresenceFrame {
  readonly type: string
  readonly members?: readonly { readonly user: string }[]
  readonly member?: { readonly user: string }
  readonly count?: number
}

/** A view. */
export interface View {
  /** Takes an answer, `members`, `joined` or `left`; false for a second `joined` without a `left` between, and the other way round. */
  take(frame: PresenceFrame): boolean
  clear(): void
  /** Whether exactly those are there; where the view is a sample, whether it counts as many. */
  equals(expected: ReadonlySet<string>): boolean
}

/** Makes an empty one. */
export function createView(): View {
  const users = new Set<string>()
  let count = 0
  return {
    take({ type, members, member, count: told }) {
      if ((type === 'ok' || type === 'members') && members !== undefined) {
        users.clear()
        for (const { user } of members) users.add(user)
        count = told ?? users.size
        return true
      }
      if (member === undefined) return true
      const known = users.has(member.user)
      if (type === 'joined') {
        users.add(member.user)
        count++
        return !known
      }
      if (type === 'left') {
        users.delete(member.user)
        count--
        return known
      }
      return true
    },
    clear() {
      users.clear()
      count = 0
    },
    equals(expected) {
      if (count !== expected.size) return false
      return users.size < count || [...expected].every((user) => users.has(user))
    },
  }
}
