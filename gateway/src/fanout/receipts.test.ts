// What delivery tells of messages that ask for a receipt.
import { describe, expect, test } from 'vitest'
import { crowd, fakeDelivery, inbound, join, room, turn } from '../../../test/harness/fanout-fakes.ts'
import type { FakeConnection } from '../../../test/harness/session-fakes.ts'
import { leaveAll } from './topic.ts'

const RECEIPT = { receipt: 'r1' }

describe('a receipt', () => {
  test('counts those whom a message is for, and whose queue has taken it', () => {
    const { deliver, full, receipts } = fakeDelivery()
    const members = crowd(4) as [FakeConnection, FakeConnection, FakeConnection, FakeConnection]
    const lobby = room('lobby')
    join(lobby, ...members)
    full.set(members[1], () => leaveAll(members[1]))
    deliver.toTopic(lobby, inbound('hi', { ...RECEIPT, excludeUser: 'user-1' }))
    expect(receipts).toEqual([['r1', { connections: 3, written: 2, skipped: 1 }]])
  })

  test('of a message in slices comes once, after the last of them', async () => {
    const { deliver, receipts } = fakeDelivery()
    const lobby = room('lobby')
    join(lobby, ...crowd(10))
    deliver.toTopic(lobby, inbound('hi', RECEIPT))
    await turn()
    await turn()
    expect(receipts).toEqual([])
    await turn()
    expect(receipts).toEqual([['r1', { connections: 10, written: 10, skipped: 0 }]])
  })

  test('of a message to one connection is of that one', () => {
    const { deliver, full, receipts } = fakeDelivery()
    const [ann] = crowd(1) as [FakeConnection]
    deliver.toMember(ann, { kind: 'user', name: 'ann' as never }, inbound('hi', RECEIPT))
    full.set(ann, () => undefined)
    deliver.toMember(ann, { kind: 'user', name: 'ann' as never }, inbound('hi', RECEIPT))
    expect(receipts).toEqual([
      ['r1', { connections: 1, written: 1, skipped: 0 }],
      ['r1', { connections: 1, written: 0, skipped: 1 }],
    ])
  })

  test('is told of no message that does not ask for it', () => {
    const { deliver, receipts } = fakeDelivery()
    const lobby = room('lobby')
    join(lobby, ...crowd(2))
    deliver.toTopic(lobby, inbound('hi'))
    expect(receipts).toEqual([])
  })
})
