import { jsonCodec as contractJson, SUBPROTOCOL_MSGPACK } from '@sluice/proto'
import { msgpackCodec as contractMsgpack } from '@sluice/proto/msgpack'
import { describe, expect, test } from 'vitest'
import { jsonCodec } from './frame-codec.ts'
import { msgpack } from './msgpack.ts'
import { payloadOf } from './server-frame.ts'

const codecs = [
  { name: 'JSON', ours: jsonCodec, contract: contractJson },
  { name: 'MessagePack', ours: msgpack(), contract: contractMsgpack },
]

describe.each(codecs)('$name', ({ ours, contract }) => {
  const wire = (frame: object): Uint8Array => {
    const encoded = ours.encode(frame)
    return typeof encoded === 'string' ? new TextEncoder().encode(encoded) : encoded
  }
  const message = (bytes: Uint8Array): unknown => {
    return contract.binary ? new Uint8Array(bytes).buffer : new TextDecoder().decode(bytes)
  }

  test('is the one that the gateway speaks', () => {
    expect(ours.subprotocol).toBe(contract.subprotocol)
  })

  test('publishes values and bytes as the contract reads them', () => {
    const frame = { type: 'publish', id: 1, room: 'lobby', event: undefined }
    for (const [data, kind] of [
      [{ text: 'hi', n: [1, null, 2 ** 40] }, 'json'],
      [null, 'json'],
      [new Uint8Array([0, 255, 7]), 'bytes'],
    ] as const) {
      const parsed = contract.decodeClient(wire({ ...frame, data }))
      if (!parsed.ok) throw new Error(parsed.message)
      expect(parsed.frame.payload?.kind).toBe(kind)
      const { bytes = new Uint8Array() } = parsed.frame.payload ?? {}
      if (kind === 'bytes') expect([...bytes]).toEqual([0, 255, 7])
      else expect(JSON.parse(new TextDecoder().decode(bytes))).toEqual(data)
    }
  })

  test('reads what the contract writes', () => {
    const value = ours.decode(message(contract.encodeServer({ type: 'message', room: 'lobby', data: { a: [1, 'ü'] } })))
    expect(payloadOf(value as object as never)).toEqual({ a: [1, 'ü'] })
    const bytes = ours.decode(
      message(contract.encodeServer({ type: 'message', room: 'lobby', bytes: new Uint8Array([1, 2]) })),
    )
    expect([...(payloadOf(bytes as never) as Uint8Array)]).toEqual([1, 2])
  })

  test('says nothing of what it cannot read', () => {
    for (const odd of ['{', new ArrayBuffer(0), new Uint8Array([0xc1]).buffer, undefined, 7])
      expect(ours.decode(odd)).toBeUndefined()
  })
})

test('the name of the subprotocol is the contract’s', () => {
  expect(msgpack().subprotocol).toBe(SUBPROTOCOL_MSGPACK)
})
