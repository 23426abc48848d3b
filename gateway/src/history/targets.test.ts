import {
  inboxSchema,
  namespacesSchema,
  parseRoom,
  parseUser,
  type Room,
  type RoomName,
  type UserName,
} from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { createTargets } from './targets.ts'

const HISTORY = { messages: 10, seconds: 60 }
const room = (name: string): Room => parseRoom(name, 128) as Room
const user = (name: string): UserName => parseUser(name, 128) as UserName

function build() {
  const config = {
    namespaces: namespacesSchema.parse({ default: {}, chat: { history: HISTORY } }),
    inbox: inboxSchema.parse({ history: HISTORY }),
  }
  const targets = createTargets({ prefix: 'my', namespaces: () => config.namespaces, inbox: () => config.inbox })
  return { config, targets }
}

describe('what is kept', () => {
  test('of a room is in the stream of its namespace', () => {
    const expected = {
      stream: 'MY_HISTORY_chat',
      publishSubject: 'my.pub.room.chat.a=2Eb',
      liveSubject: 'my.live.room.chat.a=2Eb',
      settings: HISTORY,
    }
    const { targets } = build()
    expect(targets.room(room('chat:a.b'))).toEqual(expected)
    expect(targets.of({ kind: 'room', name: room('chat:a.b').name })).toEqual(expected)
  })

  test('of all rooms of a namespace is its whole stream', () => {
    const expected = {
      stream: 'MY_HISTORY_chat',
      publishSubject: 'my.pub.room.chat.*',
      liveSubject: 'my.live.room.chat.*',
      settings: HISTORY,
    }
    const { targets } = build()
    expect(targets.rooms('chat')).toEqual(expected)
    expect(targets.of({ kind: 'room', name: 'chat:*' as RoomName })).toEqual(expected)
    expect([targets.rooms('default'), targets.rooms('constructor')]).toEqual([null, null])
  })

  test('of a user is in that of inboxes', () => {
    const expected = {
      stream: 'MY_INBOX',
      publishSubject: 'my.pub.user.ann',
      liveSubject: 'my.live.user.ann',
      settings: HISTORY,
    }
    const { targets } = build()
    expect(targets.user(user('ann'))).toEqual(expected)
    expect(targets.of({ kind: 'user', name: user('ann') })).toEqual(expected)
  })

  test('is nothing where it is off, of unknown namespaces and of anonymous users', () => {
    const { targets, config } = build()
    expect(targets.room(room('lobby'))).toBeNull()
    expect(targets.room(room('nowhere:a'))).toBeNull()
    expect(targets.room({ ...room('lobby'), namespace: 'constructor' as never })).toBeNull()
    expect(targets.user('~gw.1' as UserName)).toBeNull()
    config.inbox = inboxSchema.parse({ history: false })
    config.namespaces = namespacesSchema.parse({ chat: {} })
    expect([targets.user(user('ann')), targets.room(room('chat:a'))]).toEqual([null, null])
  })
})
