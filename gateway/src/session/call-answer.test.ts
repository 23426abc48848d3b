import { jsonCodec } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { expect, test } from 'vitest'
import { payloadOf } from '../../../test/harness/session-fakes.ts'
import { buildCallOk } from './call-answer.ts'

test('a reply of JSON stands in the frame as it came', () => {
  const reply = { payload: Buffer.from('{ "n": 1.00 }'), binary: false }
  expect(payloadOf(buildCallOk('a"b', reply, false)).toString()).toBe('{"type":"ok","id":"a\\"b","data":{ "n": 1.00 }}')
  expect(msgpackCodec.decodeServer(payloadOf(buildCallOk(7, reply, true)))).toEqual({
    type: 'ok',
    id: 7,
    data: { n: 1 },
  })
})

test('a reply of bytes is base64 in JSON and bin in msgpack', () => {
  const reply = { payload: Buffer.from([0, 0xff]), binary: true }
  expect(payloadOf(buildCallOk(1, reply, false)).toString()).toBe('{"type":"ok","id":1,"bytes":"AP8="}')
  expect(jsonCodec.decodeServer(payloadOf(buildCallOk(1, reply, false)))).toMatchObject({
    bytes: new Uint8Array([0, 0xff]),
  })
  expect(msgpackCodec.decodeServer(payloadOf(buildCallOk(1, reply, true)))).toMatchObject({
    bytes: new Uint8Array([0, 0xff]),
  })
})
