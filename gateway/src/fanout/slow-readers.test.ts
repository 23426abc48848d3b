import { jsonCodec, type Namespaces, namespacesSchema, type RoomName, type UserName } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { fakeConnection, payloadOf } from '../../../test/harness/session-fakes.ts'
import { applySlowReaders, buildLossNotice, dropsFor } from './slow-readers.ts'
import { createTopic, type TopicName } from './topic.ts'

const namespaces: Namespaces = namespacesSchema.parse({
  chat: {},
  ticker: { slowReaders: 'drop' },
  default: { slowReaders: 'drop' },
})

const room = (name: string): TopicName => ({ kind: 'room', name: name as RoomName })

describe('a topic drops', () => {
  test.each([
    ['ticker:eur', true],
    ['ticker:*', true],
    ['lobby', true],
    ['chat:lobby', false],
    ['chat:*', false],
    ['gone:lobby', false],
    ['constructor:x', false],
  ])('%s: %s', (name, drops) => {
    expect(dropsFor(namespaces, room(name))).toBe(drops)
  })

  test('not where it is a user', () => {
    expect(dropsFor(namespaces, { kind: 'user', name: 'lobby' as UserName })).toBe(false)
  })

  test('as the configuration says by now', () => {
    const topics = [createTopic('a', room('ticker:eur'), true), createTopic('b', room('chat:lobby'))]
    applySlowReaders(topics, namespacesSchema.parse({ chat: { slowReaders: 'drop' }, ticker: {} }))
    expect(topics.map(({ drops }) => drops)).toEqual([false, true])
  })
})

describe('the notice', () => {
  const topic = createTopic('sluice.room.ticker.eur', room('ticker:eur'), true)

  test.each([jsonCodec, msgpackCodec])(
    'says in $subprotocol how many were missed, and between which offsets',
    (codec) => {
      const connection = fakeConnection({ codec })
      const stored = { epoch: 'e', era: 3, from: 4, to: 9 }
      const frame = buildLossNotice(connection, { source: topic, missed: 5, stored })
      expect(connection.codec.decodeServer(payloadOf(frame))).toEqual({
        type: 'gap',
        room: 'ticker:eur',
        reason: 'slow',
        missed: 5,
        from: 4,
        to: 9,
        epoch: 'e',
        offset: 9,
      })
    },
  )

  test('of ephemeral messages says how many alone', () => {
    const connection = fakeConnection()
    const frame = buildLossNotice(connection, { source: topic, missed: 5, stored: null })
    expect(connection.codec.decodeServer(payloadOf(frame))).toEqual({
      type: 'gap',
      room: 'ticker:eur',
      reason: 'slow',
      missed: 5,
    })
  })
})
