import { expect, test } from 'vitest'
import { BARE } from '../../gateway/src/backplane/inbound.ts'
import { buildJsonMessage } from '../../gateway/src/fanout/message-frame.ts'
import { messagePayload, messageText, textFrame } from './message.ts'

test.each([0, 7, 123_456])('message %i has the size that was asked for and is JSON', (number) => {
  const payload = messagePayload(120, number)
  expect(payload).toHaveLength(120)
  expect(JSON.parse(payload.toString())).toMatchObject({ n: number })
})

test('the frame is the one that the gateway writes', () => {
  const payload = messagePayload(120, 1)
  const message = { ...BARE, payload }
  const gateways = buildJsonMessage({ kind: 'room', name: 'room-001' as never }, message)
  expect(textFrame(messageText('room-001', payload))).toEqual(gateways)
})
