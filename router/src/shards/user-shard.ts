// The users of one shard of the directory, with their connections. Tells changes as they come; what follows from them is the
// listener's.
import {
  createUsersView,
  decodeUserEntry,
  type Instance,
  parseUserEntryKey,
  type SessionChange,
  type UsersView,
} from '@sluice/proto'
import { readEntry } from './read-entry.ts'
import type { Cause, Shard } from './shard.ts'

/** What one step has changed. */
export interface UserStep {
  readonly shard: number
  /** At least one. */
  readonly changes: readonly SessionChange[]
  readonly cause: Cause
}

/** See {@link createUserShard}. */
export interface UserShardOptions {
  readonly shard: number
  readonly countsAs: (instance: Instance) => Instance | null
  readonly onStep: (step: UserStep) => void
  /** A value of a newer release, or one that can't be read, was skipped. */
  readonly onSkipped: (why: 'newer' | 'malformed') => void
}

/** The users of a shard. */
export interface UserShard extends Shard {
  readonly view: Pick<UsersView, 'sessionsOf' | 'users' | 'count' | 'connections'>
}

/** Makes an empty one. */
export function createUserShard({ shard, countsAs, onStep, onSkipped }: UserShardOptions): UserShard {
  const view = createUsersView(countsAs)
  let revision = 0

  function tell(changes: readonly SessionChange[], cause: Cause): void {
    if (changes.length > 0) onStep({ shard, changes, cause })
  }

  return {
    scope: 'user',
    shard,
    view,
    put(key, value, at) {
      const id = parseUserEntryKey(key)
      revision = Math.max(revision, at)
      const read = readEntry(value, decodeUserEntry)
      if (id === null || 'skipped' in read) return onSkipped('skipped' in read ? read.skipped : 'malformed')
      tell(view.put(id, at, read.items), null)
    },
    recount(instances, cause) {
      const held = new Set(view.instances)
      if (instances.some((instance) => held.has(instance))) tell(view.recount(), cause)
    },
    forget: (instance) => tell(view.forget(instance), null),
    startOver() {
      revision = 0
      view.startOver()
    },
    settle: () => tell(view.settle(), null),
    read(fence) {
      revision = Math.max(revision, fence)
    },
    prune: view.prune,
    get instances() {
      return view.instances
    },
    get revision() {
      return revision
    },
  }
}
