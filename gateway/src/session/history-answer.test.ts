import { jsonCodec } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { Unpackr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { storedAt } from '../../../test/harness/history-fakes.ts'
import { payloadOf } from '../../../test/harness/session-fakes.ts'
import { buildHistoryOk } from './history-answer.ts'

const FIELDS = { epoch: 'e', more: true }
const MESSAGES = [
  storedAt(3, 0, { payload: Buffer.from(' {"n" : 1.0, "s":"é\\u00e9"} '), from: 'a"b', key: 'k"' }),
  storedAt(5, 3, { payload: Buffer.from([0xff, 0, 1]), binary: true, session: 'gw.1', event: 'a.b' }),
  storedAt(8, 5, { payload: new Uint8Array(0), unfit: 'not_json' }),
]

const place = (offset: number, prev: number) => ({ offset, prev, time: 1000 + offset })

describe('a page of a history', () => {
  test('in JSON has the payloads as they came, byte by byte', () => {
    const text = payloadOf(buildHistoryOk('a', FIELDS, MESSAGES, false)).toString()
    expect(text).toContain('"data": {"n" : 1.0, "s":"é\\u00e9"} }')
    expect(JSON.parse(text)).toEqual({
      type: 'ok',
      id: 'a',
      ...FIELDS,
      messages: [
        { from: 'a"b', key: 'k"', ...place(3, 0), data: { n: 1, s: 'éé' } },
        { session: 'gw.1', event: 'a.b', ...place(5, 3), bytes: Buffer.from([0xff, 0, 1]).toString('base64') },
        { offset: 8, prev: 5, withheld: true },
      ],
    })
  })

  test('in MessagePack has values, and bytes as bytes', () => {
    const bytes = payloadOf(buildHistoryOk(7, FIELDS, MESSAGES, true))
    expect(new Unpackr({ useRecords: false, int64AsType: 'number' }).unpack(bytes)).toEqual({
      type: 'ok',
      id: 7,
      ...FIELDS,
      messages: [
        { from: 'a"b', key: 'k"', ...place(3, 0), data: { n: 1, s: 'éé' } },
        { session: 'gw.1', event: 'a.b', ...place(5, 3), data: Buffer.from([0xff, 0, 1]) },
        { offset: 8, prev: 5, withheld: true },
      ],
    })
  })

  test.each([
    [false, jsonCodec],
    [true, msgpackCodec],
  ])('without messages is one (binary: %s)', (binary, codec) => {
    const frame = payloadOf(buildHistoryOk(1, { epoch: 'e', more: false }, [], binary))
    expect(codec.decodeServer(frame)).toEqual({ type: 'ok', id: 1, epoch: 'e', more: false, messages: [] })
  })

  test('that is longer than a short frame has a length that says so', () => {
    for (const length of [100, 60_000, 80_000]) {
      const payload = Buffer.from(`"${'x'.repeat(length)}"`)
      const frame = payloadOf(buildHistoryOk(1, FIELDS, [storedAt(1, 0, { payload })], false))
      expect(JSON.parse(frame.toString()).messages[0].data).toHaveLength(length)
    }
  })
})
