// The request `history`: a page of what a room or one's own inbox keeps, to whoever may join it. Step 2 of the message path.
import type { ClientFrameOf, Namespaces, Room, Subjects } from '@sluice/proto'
import type { Topics } from '../fanout/topics.ts'
import type { History } from '../history/history.ts'
import type { HistoryTarget } from '../history/logs.ts'
import type { Rights } from '../rights/rights.ts'
import { type Answer, refusal, unavailable } from './answer.ts'
import { namespaceOf, roomRefusal } from './authorise.ts'
import type { SignedIn } from './publish.ts'
import { isRefusal } from './targets.ts'

/** What it needs beside the frame. */
export interface HistoryRequestOptions {
  readonly topics: Topics
  readonly subjects: Subjects
  readonly namespaces: () => Namespaces
  readonly rights: Pick<Rights, 'mayRead'>
  /** Null until it has begun. */
  readonly history: () => History | null
}

/** Handles `history` of a room whose name was parsed. */
export function askHistory(
  connection: SignedIn,
  frame: ClientFrameOf<'history'>,
  room: Room,
  options: HistoryRequestOptions,
): Answer | Promise<Answer> {
  const settings = namespaceOf(options.namespaces(), room)
  if (isRefusal(settings)) return settings
  const right = roomRefusal('join', settings, room, connection.principal)
  if (isRefusal(right)) return right
  if (!settings.history) return refusal('not_enabled', `history: it is off in ${room.namespace}`)
  const read = (): Promise<Answer> =>
    page(connection, frame, options.history()?.targets.room(room) ?? null, options.subjects.room(room), options)
  const allowed = right === 'ask' ? options.rights.mayRead(connection, room) : null
  return allowed === null ? read() : allowed.then((refused) => refused ?? read())
}

/** Handles `history` of the connection's own inbox. */
export function askInbox(
  connection: SignedIn,
  frame: ClientFrameOf<'history'>,
  options: HistoryRequestOptions,
): Answer | Promise<Answer> {
  const { user } = connection.principal
  if (frame.user !== user) return refusal('forbidden', 'history: only of one’s own inbox')
  const target = options.history()?.targets.user(user) ?? null
  if (target === null) return refusal('not_enabled', 'history: inboxes have none')
  return page(connection, frame, target, options.subjects.user(user), options)
}

async function page(
  connection: SignedIn,
  { limit, before, after }: ClientFrameOf<'history'>,
  target: HistoryTarget | null,
  subject: string,
  { history, topics }: HistoryRequestOptions,
): Promise<Answer> {
  const running = history()
  if (running === null || target === null) return unavailable(LATE)
  const found = await running.page(connection, target, topics.find(subject), { limit, before, after })
  if (found === null) return unavailable(LATE)
  const { epoch, more, messages } = found
  return { ok: true, fields: { epoch, more }, messages }
}

/** Streams, or their leader, are away. */
const LATE = 'history is away'
