// Who is in a room, as the gateway tells it: a whole view, and changes to it. Pure [P-15.4 to P-15.7].
import { countOf, type Frame, framesOf, isFrame, textOf } from './server-frame.ts'

/** A user in a room. */
export interface Member {
  readonly user: string
  /** What the user's token shows of it. */
  readonly info?: unknown
  /** Its connections in the room. */
  readonly connections: number
}

/** The members of a room that is watched. */
export class PresenceView {
  readonly #members = new Map<string, Member>()
  #count = 0
  #list: readonly Member[] | null = null

  /** Those who are known, in the order in which they were told; in large rooms a sample. */
  get members(): readonly Member[] {
    this.#list ??= [...this.#members.values()]
    return this.#list
  }

  /** How many there are, listed or not. */
  get count(): number {
    return this.#count
  }

  /** The whole view: `members`, or the `ok` of a join or of `presence`. False if the frame has none. */
  replace(frame: Frame): boolean {
    if (!Array.isArray(frame.members)) return false
    const members = membersOf(frame)
    this.#members.clear()
    for (const member of members) this.#members.set(member.user, member)
    this.#count = countOf(frame, 'count') ?? this.#members.size
    this.#list = null
    return true
  }

  /** `joined` or `left`; null if it changes nothing. */
  patch(kind: 'joined' | 'left', frame: Frame): Member | null {
    const member = memberOf(frame.member)
    if (member === null) return null
    const known = this.#members.has(member.user)
    if (kind === 'joined') {
      this.#members.set(member.user, member)
      if (!known) this.#count++
    } else {
      // One who is not listed may have been among those whom a sample leaves out.
      if (!known && this.#members.size >= this.#count) return null
      this.#members.delete(member.user)
      this.#count--
    }
    this.#list = null
    return kind === 'joined' && known ? null : member
  }
}

/** The members that a frame lists. */
export function membersOf(frame: Frame): Member[] {
  return framesOf(frame, 'members').flatMap((raw) => memberOf(raw) ?? [])
}

function memberOf(raw: unknown): Member | null {
  if (!isFrame(raw)) return null
  const user = textOf(raw, 'user')
  if (user === undefined) return null
  const connections = countOf(raw, 'connections') ?? 1
  return raw.info === undefined ? { user, connections } : { user, info: raw.info, connections }
}
