// The streams of history and what their messages mean, held against vectors/nats.json: tiers of two releases, and services in any
// language, must name and judge alike.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { STREAM_HEADERS } from '../headers.ts'
import { parseRoom, parseUser } from '../names.ts'
import { createSubjects } from '../subjects.ts'
import { type Judgement, judgeNext, type Placed, type Position } from './position.ts'
import { createHistoryStores, DEDUP_SECONDS, GENERATION_METADATA, type HistoryStore } from './stores.ts'

interface Stored {
  readonly published: string
  readonly live: string
}

interface Vectors {
  readonly metadata: { readonly generation: string }
  readonly dedupSeconds: number
  readonly headers: Readonly<Record<string, string>>
  readonly stores: readonly {
    readonly prefix: string
    readonly rooms: readonly (HistoryStore & {
      readonly namespace: string
      readonly stored: readonly (Stored & { readonly room: string })[]
    })[]
    readonly inbox: HistoryStore & { readonly stored: readonly (Stored & { readonly user: string })[] }
  }[]
  readonly judged: readonly { readonly held: Position; readonly message: Placed; readonly judgement: Judgement }[]
}

const { history }: { readonly history: Vectors } = JSON.parse(
  readFileSync(new URL('../../vectors/nats.json', import.meta.url), 'utf8'),
)

/** What NATS does with the one `*` of a source and the mapping of a destination; null where the source does not fit. */
function republished({ source, destination }: HistoryStore, subject: string): string | null {
  const pattern = new RegExp(`^${source.replaceAll('.', '\\.').replace('*', '([^.]+)')}$`)
  const token = pattern.exec(subject)?.[1]
  return token === undefined ? null : destination.replace('{{wildcard(1)}}', token)
}

describe.each(history.stores)('the streams of prefix $prefix', ({ prefix, rooms, inbox }) => {
  const stores = createHistoryStores(prefix)
  const subjects = createSubjects(prefix)

  test.each(rooms)('of rooms of $namespace have these names, and republish where their rooms are heard', (vector) => {
    const { namespace, stored, ...names } = vector
    expect(stores.room(namespace)).toEqual(names)
    for (const { room: name, published, live } of stored) {
      const room = parseRoom(name, 128)!
      expect([subjects.publishRoom(room), subjects.liveRoom(room)]).toEqual([published, live])
      expect(republished(names, published)).toBe(live)
      // More than one token is no room: it must not be stored where nobody hears it.
      expect(republished(names, `${published}.more`)).toBeNull()
    }
  })

  test('of inboxes have these names, and republish where their users are heard', () => {
    const { stored, ...names } = inbox
    expect(stores.inbox).toEqual(names)
    for (const { user: name, published, live } of stored) {
      const user = parseUser(name, 128)!
      expect([subjects.publishUser(user), subjects.liveUser(user)]).toEqual([published, live])
      expect(republished(names, published)).toBe(live)
      expect(republished(names, `${published}.more`)).toBeNull()
    }
  })
})

test('headers, metadata and the window of duplicates are these', () => {
  expect(STREAM_HEADERS).toEqual(history.headers)
  expect([GENERATION_METADATA, DEDUP_SECONDS]).toEqual([history.metadata.generation, history.dedupSeconds])
})

test.each(history.judged)('at $held the message $message is: $judgement', ({ held, message, judgement }) => {
  expect(judgeNext(held, message)).toBe(judgement)
})
