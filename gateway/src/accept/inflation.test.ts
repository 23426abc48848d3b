import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { Tally } from '@sluice/service/metrics/tally'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createInflation, inflateMessage } from './inflation.ts'

const BYTES_MAX = 65_536
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const deflated = (data: Uint8Array): Buffer =>
  deflateRawSync(data, { level: 9, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

describe('a message is inflated', () => {
  // The forms that RFC 7692 names in 7.2.3, of one word.
  test.each<[string, string]>([
    ['in one block', 'f2 48 cd c9 c9 07 00'],
    ['in one block without compression', '00 05 00 fa ff 48 65 6c 6c 6f 00'],
    ['in a block that calls itself the last', 'f3 48 cd c9 c9 07 00 00'],
    ['in two blocks', 'f2 48 05 00 00 00 ff ff ca c9 c9 07 00'],
    ['in two blocks that both call themselves the last', 'f3 48 05 00 cb c9 c9 07 00 00'],
  ])('%s', (_, bytes) => {
    expect(String(inflateMessage([hex(bytes)], BYTES_MAX))).toBe('Hello')
  })

  test('in whatever parts it came, up to the bound and not beyond', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(200), (data, at) => {
        const bytes = deflated(data)
        expect(inflateMessage([bytes.subarray(0, at), bytes.subarray(at)], Math.max(1, data.length))).toEqual(
          Buffer.from(data),
        )
        if (data.length > 1) expect(inflateMessage([bytes], data.length - 1)).toBe('too_large')
      }),
    )
  })

  test('of nothing', () => {
    expect(inflateMessage([hex('00')], BYTES_MAX)).toEqual(Buffer.alloc(0))
  })
})

describe('a message is refused', () => {
  test.each<[string, Buffer]>([
    ['of no bytes at all', Buffer.alloc(0)],
    ['of noise', randomBytes(64).fill(0xff, 0, 1)],
    ['cut off by one byte', deflated(Buffer.from('x'.repeat(300) + randomBytes(99).toString('hex'))).subarray(0, -1)],
    ['cut off in its middle', deflated(Buffer.from(randomBytes(99).toString('hex'))).subarray(0, 40)],
    ['with a last block behind which the message does not end', hex('f3 48 cd c9 c9 07 00')],
    ['that refers to what came before it', hex('f2 00 11 00 00')],
  ])('%s', (_, bytes) => {
    expect(inflateMessage([bytes], BYTES_MAX)).toBe('malformed')
  })

  test('of more blocks that call themselves the last than zlib is to be begun anew for', () => {
    expect(inflateMessage([hex(`${'0300'.repeat(30_000)}00`)], BYTES_MAX)).toBe('malformed')
    expect(inflateMessage([hex(`${'0300'.repeat(8)}00`)], BYTES_MAX)).toEqual(Buffer.alloc(0))
  })

  test('that grows beyond the bound, by a little or a thousand times, in one block or several', () => {
    expect(inflateMessage([deflated(Buffer.alloc(BYTES_MAX + 1))], BYTES_MAX)).toBe('too_large')
    expect(inflateMessage([deflated(Buffer.alloc(2 ** 24))], BYTES_MAX)).toBe('too_large')
    const half = deflateRawSync(Buffer.alloc(BYTES_MAX / 2))
    expect(inflateMessage([half, half, hex('00')], BYTES_MAX)).toHaveLength(BYTES_MAX)
    expect(inflateMessage([half, half, deflated(Buffer.alloc(1))], BYTES_MAX)).toBe('too_large')
  })
})

test('a bomb costs no more than what it is cut off at', () => {
  const costOf = (bytes: number): number => {
    const message = deflated(Buffer.alloc(bytes))
    const begin = performance.now()
    for (let at = 0; at < 20; at++) inflateMessage([message], BYTES_MAX)
    return performance.now() - begin
  }
  costOf(BYTES_MAX)
  // Inflated whole it would be 512 times as much.
  expect(costOf(512 * BYTES_MAX) / costOf(BYTES_MAX)).toBeLessThan(30)
})

test('an inflation answers in a later turn, keeps parts until the last, and counts what came of it', async () => {
  const counters = { compressedSockets: 0, inflations: new Tally() }
  const faults: number[] = []
  let open = true
  let paused = false
  const inflation = createInflation({
    bytesMax: 100,
    counters,
    isOpen: () => open,
    isPaused: () => paused,
    onFault: (code) => faults.push(code),
  })
  const decompress = (data: Buffer, fin: boolean): Promise<string> =>
    new Promise((resolve) => {
      let turns = 0
      setImmediate(() => turns++)
      inflation.decompress(data, fin, (error, inflated) =>
        resolve(turns === 0 ? 'in the same turn' : error === null ? String(inflated) : error.message),
      )
    })
  const hello = deflated(Buffer.from('hello'))
  expect(await decompress(hello.subarray(0, 2), false)).toBe('')
  expect(await decompress(hello.subarray(2), true)).toBe('hello')
  expect(await decompress(hello, true)).toBe('hello')
  expect(await decompress(hello.subarray(2), true)).toContain('malformed')
  expect(await decompress(deflated(Buffer.alloc(101)), true)).toContain('too_large')
  expect(faults).toEqual([1007, 1009])
  paused = true
  const waiting = decompress(hello, true)
  await pause(20)
  expect(counters.inflations.get('inflated')).toBe(2)
  paused = false
  inflation.proceed()
  expect(await waiting).toBe('hello')
  // A socket that is being closed is read on for its close frame alone.
  open = false
  expect(await decompress(hello, true)).toBe('')
  expect(['inflated', 'malformed', 'too_large'].map((result) => counters.inflations.get(result))).toEqual([3, 1, 1])
})
