import { once } from 'node:events'
import type { Writable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ws from 'ws'
import { buildFrame, frameHeaderBytes, OPCODE, PING_FRAME } from './ws-frame.ts'

// The types leave it out.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable }

/** Reads a frame as a client does. */
async function receive(frame: Buffer): Promise<{ payload: Buffer; binary: boolean }> {
  const receiver = new Receiver({ isServer: false })
  const message = once(receiver, 'message')
  receiver.write(frame)
  const [payload, binary] = await message
  return { payload, binary }
}

describe('a frame', () => {
  test.each([
    [0, 2],
    [1, 2],
    [125, 2],
    [126, 4],
    [127, 4],
    [65_535, 4],
    [65_536, 10],
    [300_000, 10],
  ])('with %i bytes of payload has a header of %i and is read back whole', async (bytes, header) => {
    const payload = Buffer.alloc(bytes, 'x')
    const frame = buildFrame(OPCODE.text, payload)
    expect(frameHeaderBytes(bytes)).toBe(header)
    expect(frame).toHaveLength(header + bytes)
    expect(await receive(frame)).toEqual({ payload, binary: false })
  })

  test('of any bytes is read back by ws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 70_000, size: 'max' }), async (payload) => {
        const received = await receive(buildFrame(OPCODE.binary, payload))
        expect(received.binary).toBe(true)
        expect(received.payload.equals(payload)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('that pings carries nothing and is answered as a ping', async () => {
    const receiver = new Receiver({ isServer: false })
    const pinged = once(receiver, 'ping')
    receiver.write(PING_FRAME)
    expect(await pinged).toEqual([Buffer.alloc(0)])
    expect(PING_FRAME).toHaveLength(2)
  })

  test('that pongs carries the payload of the ping', async () => {
    const receiver = new Receiver({ isServer: false })
    const ponged = once(receiver, 'pong')
    receiver.write(buildFrame(OPCODE.pong, Buffer.from('hi')))
    expect(await ponged).toEqual([Buffer.from('hi')])
  })

  test('is written behind another one without a gap', async () => {
    const receiver = new Receiver({ isServer: false })
    const texts: string[] = []
    receiver.on('message', (payload: Buffer) => texts.push(payload.toString()))
    const second = once(receiver, 'ping')
    receiver.write(
      Buffer.concat([
        buildFrame(OPCODE.text, Buffer.alloc(126, 'a')),
        buildFrame(OPCODE.text, Buffer.from('b')),
        PING_FRAME,
      ]),
    )
    await second
    expect(texts).toEqual(['a'.repeat(126), 'b'])
  })
})
