import { randomBytes } from 'node:crypto'
import { constants, inflateRawSync } from 'node:zlib'
import { Tally } from '@sluice/service/metrics/tally'
import { describe, expect, test } from 'vitest'
import { createDeflater } from './deflater.ts'
import { buildFrame, OPCODE } from './ws-frame.ts'

/** A deflater whose clock the test moves; each look at it takes the time of `costMs`. */
function build({ minBytes = 512, costMs = 0 } = {}) {
  const counters = { deflations: new Tally(), deflatedFromBytes: 0, deflatedToBytes: 0 }
  const clock = { ms: 0 }
  const nowMs = (): number => {
    clock.ms += costMs
    return clock.ms
  }
  return { counters, clock, deflater: createDeflater({ minBytes, level: 1, nowMs, counters }) }
}

function inflated(frame: Buffer): Buffer {
  const short = frame[1] as number
  const body = frame.subarray(short < 126 ? 2 : short === 126 ? 4 : 10)
  const claimed = short < 126 ? short : short === 126 ? frame.readUInt16BE(2) : Number(frame.readBigUInt64BE(2))
  expect(claimed).toBe(body.length)
  return inflateRawSync(Buffer.concat([body, Buffer.from([0, 0, 0xff, 0xff])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  })
}

describe('a frame', () => {
  test.each([
    [OPCODE.text, 0xc1, 600],
    [OPCODE.binary, 0xc2, 600],
    [OPCODE.text, 0xc1, 20_000],
    [OPCODE.text, 0xc1, 200_000],
  ])(
    'of opcode %i keeps it, gains the first reserved bit (%i), and holds the same %i bytes',
    (opcode, first, bytes) => {
      const { deflater, counters } = build()
      const payload = Buffer.from(JSON.stringify(Array.from({ length: bytes }, (_, n) => n * 7919)).slice(0, bytes))
      const frame = buildFrame(opcode, payload)
      const shrunk = deflater.deflate(frame)
      expect(shrunk[0]).toBe(first)
      expect(shrunk.length).toBeLessThan(frame.length)
      expect(inflated(shrunk).equals(payload)).toBe(true)
      expect(counters).toMatchObject({ deflatedFromBytes: frame.length, deflatedToBytes: shrunk.length })
      expect(counters.deflations.get('deflated')).toBe(1)
    },
  )

  test('compressed twice gives the same bytes: nothing is kept of the one before', () => {
    const { deflater } = build()
    const frame = buildFrame(OPCODE.text, Buffer.from('{"a":1}'.repeat(200)))
    expect(deflater.deflate(frame).equals(deflater.deflate(frame))).toBe(true)
  })

  test.each<[string, Buffer, string | null]>([
    ['below the threshold', buildFrame(OPCODE.text, Buffer.alloc(507, 0x61)), null],
    ['that does not get smaller', buildFrame(OPCODE.binary, randomBytes(4096)), 'not_smaller'],
    ['that would hold up the loop', buildFrame(OPCODE.binary, Buffer.alloc(300_000)), 'too_large'],
  ])('%s is the plain one', (_, frame, result) => {
    const { deflater, counters } = build()
    expect(deflater.deflate(frame)).toBe(frame)
    expect(counters.deflations.total).toBe(result === null ? 0 : 1)
    if (result !== null) expect(counters.deflations.get(result)).toBe(1)
    expect(counters.deflatedFromBytes).toBe(0)
  })

  test('of the threshold is compressed', () => {
    const frame = buildFrame(OPCODE.text, Buffer.alloc(508, 0x61))
    expect(frame).toHaveLength(512)
    expect(build().deflater.deflate(frame).length).toBeLessThan(100)
  })
})

test('compressing takes a quarter of the time at most, and what is over it goes out plain', () => {
  const { deflater, counters, clock } = build({ costMs: 10 })
  const frame = buildFrame(OPCODE.text, Buffer.alloc(2000, 0x61))
  for (let at = 0; at < 1000; at++) deflater.deflate(frame)
  const compressed = counters.deflations.get('deflated')
  // Each takes 10 ms by this clock.
  expect((compressed * 10) / clock.ms).toBeLessThan(0.26)
  expect((compressed * 10) / clock.ms).toBeGreaterThan(0.2)
  expect(counters.deflations.get('no_time')).toBe(1000 - compressed)
})

test('time that was not used is not saved up for ever', () => {
  const { deflater, counters, clock } = build({ costMs: 10 })
  clock.ms += 3_600_000
  const frame = buildFrame(OPCODE.text, Buffer.alloc(2000, 0x61))
  for (let at = 0; at < 20; at++) deflater.deflate(frame)
  expect(counters.deflations.get('deflated')).toBeLessThan(12)
})
