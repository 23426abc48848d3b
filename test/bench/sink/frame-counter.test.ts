import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildFrame, OPCODE } from '../../../gateway/src/outbound/ws-frame.ts'
import { messagePayload, messageText, textFrame } from '../message.ts'
import { FrameCounter } from './frame-counter.ts'

const frames = [
  textFrame(Buffer.from('short')),
  textFrame(messageText('room-000', messagePayload(120, 7))),
  textFrame(Buffer.alloc(0)),
  buildFrame(OPCODE.ping, Buffer.from('are you there')),
  textFrame(Buffer.alloc(125, 'a')),
  textFrame(Buffer.alloc(126, 'a')),
  buildFrame(OPCODE.binary, Buffer.alloc(70_000)),
  buildFrame(OPCODE.pong, Buffer.alloc(0)),
]
const controls = [3, 7]
const messages = frames.filter((_, at) => !controls.includes(at))
const bytes = messages.reduce((sum, frame) => sum + frame.length, 0)

test('frames are counted however the stream is cut', () => {
  const stream = Buffer.concat(frames)
  const cuts = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 50_000 })), { minLength: 1 })
  const counted = (sizes: number[]): void => {
    const counter = new FrameCounter()
    let at = 0
    for (let piece = 0; at < stream.length; piece++) {
      const end = Math.min(stream.length, at + (sizes[piece % sizes.length] as number))
      counter.push(stream.subarray(at, end))
      at = end
    }
    expect(counter).toMatchObject({ messages: messages.length, bytes, controls: controls.length })
  }
  void fc.assert(fc.property(cuts, counted), { numRuns: 50 })
})

test('a frame counts when it is whole', () => {
  const counter = new FrameCounter()
  const frame = textFrame(Buffer.from('hello'))
  counter.push(frame, frame.length - 1)
  expect(counter.messages).toBe(0)
  counter.push(frame.subarray(frame.length - 1))
  expect(counter.messages).toBe(1)
})

test('payloads are given to those who ask', () => {
  const counter = new FrameCounter()
  const heard: string[] = []
  counter.onMessage = (payload) => void heard.push(payload.toString())
  const stream = Buffer.concat([textFrame(Buffer.from('one')), textFrame(Buffer.from('two'))])
  counter.push(stream.subarray(0, 4))
  counter.push(stream.subarray(4))
  expect(heard).toEqual(['one', 'two'])
})

test('a masked frame is refused', () => {
  expect(() => new FrameCounter().push(Buffer.from([0x81, 0x85]))).toThrow('masked')
})
