// Clause 3.11: what is agreed about compression, that messages then go both ways, and what is against the agreement.
import { constants, deflateRawSync } from 'node:zlib'
import type { Bench } from '../bench.ts'
import type { Check } from '../check.ts'
import { Broken, equal, holds, like, NotRun } from '../expectation.ts'
import { SUBPROTOCOLS } from '../frame-codec.ts'
import { OPCODE, type Wire, wireFrame } from '../wire.ts'

const OFFER = 'permessage-deflate; client_max_window_bits'
const PING = '{"id":1,"type":"ping"}'
/** Some kilobytes that are worth compressing. */
const DATA = Array.from({ length: 200 }, (_, n) => `line ${n} of a text that repeats itself`)

/** The answer to an offer: what was agreed, or null. */
async function agreed(bench: Bench, offer: string): Promise<string | null> {
  const { status, headers } = await bench.http(undefined, {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': SUBPROTOCOLS.json,
    'sec-websocket-extensions': offer,
  })
  equal(`the status of an upgrade that offers “${offer}”`, status, 101)
  const answer = headers['sec-websocket-extensions']
  return answer === undefined ? null : String(answer)
}

const parametersOf = (answer: string): string[] => answer.split(';').map((part) => part.trim().replaceAll('"', ''))

async function agreement(bench: Bench): Promise<void> {
  for (const offer of [
    'permessage-deflate; no_such_parameter',
    'permessage-deflate; server_max_window_bits=8',
    'no-such-extension',
  ])
    equal(`the answer to “${offer}”`, await agreed(bench, offer), null)
  const answer = await agreed(bench, OFFER)
  if (answer === null) return
  const [name, ...parameters] = parametersOf(answer)
  equal('the extension', name, 'permessage-deflate')
  equal('its parameters', parameters.sort(), ['client_no_context_takeover', 'server_no_context_takeover'])
  const narrow = await agreed(bench, 'permessage-deflate; server_max_window_bits=10')
  holds(
    narrow !== null && parametersOf(narrow).includes('server_max_window_bits=10'),
    '`server_max_window_bits=10` in the answer to an offer of it',
    narrow,
  )
}

async function bothWays(bench: Bench): Promise<void> {
  const room = bench.room()
  const one = await bench.user({ compression: true })
  if (one.socket.extensions === '') throw new NotRun('the server does not compress')
  const other = await bench.user()
  for (const peer of [one, other]) await peer.join(room)
  await one.ok({ type: 'publish', room, data: DATA })
  for (const peer of [one, other])
    like('a message of a client that compresses', await peer.message(), { room, data: DATA })
  await other.ok({ type: 'publish', room, data: DATA.toReversed() })
  for (const peer of [one, other])
    like('a message of a client that does not', await peer.message(), { room, data: DATA.toReversed() })
}

const deflated = (data: string | Uint8Array): Buffer =>
  deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

async function breaches(bench: Bench): Promise<void> {
  const { answerMs } = bench.target
  const compressed = (payload: Uint8Array, opcode: number = OPCODE.text): Buffer =>
    wireFrame({ opcode, payload, reserved: 4 })
  const closes = async (what: string, code: number, bytes: Buffer, extensions?: string): Promise<void> => {
    const wire: Wire = await bench.wire(undefined, extensions)
    wire.write(bytes)
    equal(`the close for ${what}`, await wire.closeCode(answerMs), code)
  }
  await closes('a compressed message where nothing was agreed', 1002, compressed(deflated(PING)))
  if ((await agreed(bench, OFFER)) === null) return
  const zeros = deflated(Buffer.alloc(bench.limit('frameBytesMax') + 1))
  await closes('a message that inflates beyond `frameBytesMax`', 1009, compressed(zeros), OFFER)
  await closes('a message that cannot be inflated', 1007, compressed(Buffer.from(PING)), OFFER)
  await closes('a ping that says it is compressed', 1002, compressed(Buffer.alloc(0), OPCODE.ping), OFFER)
  const whole = await bench.wire(undefined, OFFER)
  whole.write(compressed(deflated(PING)))
  const pong = await whole.until('a `pong`', answerMs, () => whole.texts.find((text) => text.includes('pong')) ?? null)
  if (JSON.parse(pong).id !== 1) throw new Broken('the `pong` of a compressed `ping`', pong)
}

/** Checks of compression. */
export const COMPRESSION_CHECKS: readonly Check[] = [
  { clauses: ['3.11'], name: 'compression is agreed without contexts, or declined', encodings: 'once', run: agreement },
  { clauses: ['3.11'], name: 'compressed messages go both ways, beside plain ones', run: bothWays },
  { clauses: ['3.11', '8.6'], name: 'what breaks the agreement closes', encodings: 'once', run: breaches },
]
