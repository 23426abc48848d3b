// Where the messages of a room or of a user's inbox are kept, by the configuration that holds now. Pure.
import {
  ANONYMOUS_PREFIX,
  createHistoryStores,
  createSubjects,
  type HistorySettings,
  type InboxSettings,
  LIMITS,
  type Namespaces,
  parseRoom,
  type Room,
  type UserName,
} from '@sluice/proto'
import type { TopicName } from '../fanout/topic.ts'
import { hearsAll, namespaceHeard } from '../fanout/wildcards.ts'
import type { HistoryTarget } from './logs.ts'

/** See {@link createTargets}. */
export interface TargetsOptions {
  readonly prefix: string
  readonly namespaces: () => Namespaces
  readonly inbox: () => InboxSettings
}

/** Looks up what is kept; null where nothing is. */
export interface Targets {
  room(room: Room): HistoryTarget | null
  /** Of all rooms of a namespace. */
  rooms(namespace: string): HistoryTarget | null
  user(user: UserName): HistoryTarget | null
  of(about: TopicName): HistoryTarget | null
}

/** Makes the look-up. */
export function createTargets({ prefix, namespaces, inbox }: TargetsOptions): Targets {
  const subjects = createSubjects(prefix)
  const stores = createHistoryStores(prefix)

  function settingsOf(namespace: string): HistorySettings | false {
    const all = namespaces()
    return (Object.hasOwn(all, namespace) && all[namespace]?.history) || false
  }

  function room(room: Room): HistoryTarget | null {
    const settings = settingsOf(room.namespace)
    if (!settings) return null
    const { stream } = stores.room(room.namespace)
    return { stream, publishSubject: subjects.publishRoom(room), liveSubject: subjects.liveRoom(room), settings }
  }

  function rooms(namespace: string): HistoryTarget | null {
    const settings = settingsOf(namespace)
    if (!settings) return null
    const { stream, source } = stores.room(namespace)
    return { stream, publishSubject: source, liveSubject: subjects.liveRooms(namespace), settings }
  }

  function user(user: UserName): HistoryTarget | null {
    // An anonymous user is gone with its connection.
    const settings = user.startsWith(ANONYMOUS_PREFIX) ? false : inbox().history
    if (!settings) return null
    const { stream } = stores.inbox
    return { stream, publishSubject: subjects.publishUser(user), liveSubject: subjects.liveUser(user), settings }
  }

  return {
    room,
    rooms,
    user,
    of(about) {
      if (about.kind === 'user') return user(about.name)
      if (hearsAll(about)) return rooms(namespaceHeard(about))
      const parsed = parseRoom(about.name, LIMITS.nameBytesMax.max)
      return parsed === null ? null : room(parsed)
    },
  }
}
