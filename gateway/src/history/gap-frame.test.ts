import { jsonCodec, type RoomName, type UserName } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { expect, test } from 'vitest'
import { payloadOf } from '../../../test/harness/session-fakes.ts'
import { buildGap } from './gap-frame.ts'

const gap = { reason: 'lost', from: 5, epoch: 'e', position: { offset: 9, time: 77 } } as const

test('a gap is told in both encodings: what it is about, from where to where, and where the client stands then [P-16.8]', () => {
  const fields = { type: 'gap', reason: 'lost', from: 5, to: 9, epoch: 'e', offset: 9 }
  const room = { kind: 'room', name: 'chat:a' as RoomName } as const
  const user = { kind: 'user', name: 'ann' as UserName } as const
  expect(jsonCodec.decodeServer(payloadOf(buildGap(room, gap, false)))).toEqual({ ...fields, room: 'chat:a' })
  expect(msgpackCodec.decodeServer(payloadOf(buildGap(user, gap, true)))).toEqual({ ...fields, user: 'ann' })
})
