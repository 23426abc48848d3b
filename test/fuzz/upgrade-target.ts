// The public port under fuzz: a real gateway in this process, so that its blocks are seen, on a real nats-server. Any bytes get an answer of the
// table or none, every connection ends, nothing throws, no descriptor stays, and the next client is served.
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { CLOSE_CODES } from '@sluice/proto'
import { systemClock } from '@sluice/service/clock'
import { createLogger } from '@sluice/service/log'
import { configOf } from '../../gateway/src/config/load-from-tables.ts'
import { startGateway } from '../../gateway/src/gateway.ts'
import { createCounters } from '../../gateway/src/metrics/counters.ts'
import { Client } from '../harness/client.ts'
import { startNats } from '../harness/nats.ts'
import { OPCODE, wireFrame } from '../harness/raw-socket.ts'
import { makeToken, SECRET } from '../harness/tokens.ts'
import { until } from '../harness/until.ts'
import { bytesOf, type Target } from './target.ts'

/** What Node, ws and accept answer; nothing else. */
const STATUS = /^HTTP\/1\.1 (101|400|403|404|405|408|413|426|429|431|503) /
/** How long frames behind an upgrade may take to be handled before the client hangs up. */
const LINGER_MS = 15
/** A request may take ten seconds to come; this is what a busy machine adds. */
const END_MS = 30_000
/** Stands in inputs for a token, as a kept one would expire. */
const TOKEN = 'TOKENTOKEN'

/** Without a mask that hides its payload, so that mutations and words reach it. */
function shown(opcode: number, payload: string | Uint8Array): string {
  const bytes = Buffer.from(wireFrame({ opcode, payload }))
  const content = Buffer.from(payload)
  bytes.fill(0, bytes.length - content.length - 4, bytes.length - content.length)
  bytes.set(content, bytes.length - content.length)
  return bytes.toString('latin1')
}

const HELLO = `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`
const SIGNED = `${HELLO}Authorization: Bearer ${TOKEN}\r\n\r\n`
const TEXTS = [
  '{"type":"ping","id":1}',
  '{"type":"join","id":2,"room":"a"}',
  '{"type":"publish","id":3,"room":"a","data":1}',
].map((text) => shown(OPCODE.text, text))

const SEEDS = [
  'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
  `${HELLO}\r\n`,
  `${HELLO}Origin: https://app.example.com\r\n\r\n`,
  `${HELLO}Sec-WebSocket-Protocol: sluice.v1.msgpack, bearer.${TOKEN}\r\n\r\n${shown(OPCODE.binary, Buffer.from('81a474797065a470696e67', 'hex'))}`,
  HELLO.replace('/ws', '/%/%ff%2e%2e//ws?token=%&token').concat('\r\n'),
  HELLO.replace('/ws', `/ws?token=${TOKEN}`).concat('\r\n', ...TEXTS),
  `${HELLO}\r\n${shown(OPCODE.text, `{"type":"auth","token":"${TOKEN}"}`)}${TEXTS.join('')}`,
  `${SIGNED}${TEXTS.join('')}${shown(OPCODE.ping, 'p')}${shown(OPCODE.close, Buffer.of(3, 232))}`,
  `${SIGNED}${shown(OPCODE.continuation, 'x')}`,
]

const WORDS = [
  ...[
    'GET ',
    'POST ',
    'CONNECT ',
    'OPTIONS * ',
    ' HTTP/1.1\r\n',
    ' HTTP/1.0\r\n',
    ' HTTP/2.0\r\n',
    '\r\n\r\n',
    '\r\n',
    '\n',
    '\r',
    '\0',
    '//',
    '/../',
    '%2e',
    '?token=',
    '#',
  ],
  ...[
    'Upgrade: h2c\r\n',
    'Connection: close\r\n',
    'Connection: keep-alive, Upgrade\r\n',
    'Expect: 100-continue\r\n',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Origin: null\r\n',
    'Origin: https://app.example.com\r\n',
    'X-Forwarded-For: ::1, 1.2.3.4\r\n',
  ],
  ...[
    'Sec-WebSocket-Protocol: sluice.v1.json\r\n',
    'Sec-WebSocket-Protocol: ,\r\n',
    'Sec-WebSocket-Extensions: permessage-deflate; x="\r\n',
    'Sec-WebSocket-Version: 8\r\n',
  ],
  ...[
    `Authorization: Bearer ${TOKEN}\r\n`,
    'Authorization: Basic YTpi\r\n',
    'Cookie: token=x\r\n',
    `X: ${'x'.repeat(9000)}\r\n`,
    SIGNED,
    ...TEXTS,
  ],
  ...[
    shown(OPCODE.ping, ''),
    shown(OPCODE.pong, 'x'),
    shown(OPCODE.close, ''),
    '\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    '\x01\x80\0\0\0\0',
    '\x80\x80\0\0\0\0',
    '\xc1\x80\0\0\0\0',
  ],
].map(bytesOf)

/** Starts nats-server and a gateway. */
export async function upgradeTarget(): Promise<Target> {
  const nats = await startNats()
  const port = await gatewayOn(nats.url)
  const token = await makeToken('fuzz')
  const faults: unknown[] = []
  // Also what nobody waits for: a process of its own would have ended with 1 for it.
  for (const event of ['uncaughtException', 'unhandledRejection'])
    process.on(event, (fault: unknown) => faults.push(fault))
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const rethrow = (): void => {
    if (faults.length > 0) throw new Error('something was thrown that nobody caught', { cause: faults.splice(0)[0] })
  }
  return {
    covers: (url) => url.includes('/gateway/src/') || url.includes('/node_modules/ws/lib/'),
    seeds: SEEDS.map(bytesOf),
    words: WORDS,
    bytesMax: 20_000,
    width: 32,
    async run(input) {
      judge(await exchange(port, Buffer.from(Buffer.from(input).toString('latin1').replaceAll(TOKEN, token), 'latin1')))
      rethrow()
    },
    async settled() {
      rethrow()
      const client = new Client(`ws://127.0.0.1:${port}/ws`, { token })
      await client.opened()
      await client.welcome()
      await client[Symbol.asyncDispose]()
      // Some are there for a while for their own reasons: a timer's, the inspector's.
      await until(() => descriptors() <= before + 3, { timeoutMs: END_MS, what: `${before} descriptors as before` })
    },
    async [Symbol.asyncDispose]() {
      await nats[Symbol.asyncDispose]()
    },
  }
}

async function gatewayOn(natsUrl: string): Promise<number> {
  let port = 0
  const destination = {
    write(line: string) {
      const { msg, port: told } = JSON.parse(line) as { msg: string; port?: number }
      if (msg === 'listening' && told !== undefined) port = told
    },
  }
  const many = '1000000'
  const config = configOf({
    SLUICE_NATS_URL: natsUrl,
    SLUICE_AUTH_SECRET: SECRET,
    SLUICE_LISTEN_HOST: '127.0.0.1',
    SLUICE_LISTEN_PORT: '0',
    SLUICE_ADMIN_HOST: '127.0.0.1',
    SLUICE_ADMIN_PORT: '0',
    SLUICE_ACCEPT_ORIGINS: 'https://app.example.com',
    SLUICE_ACCEPT_ADDRESS_CONNECTIONS_PER_SECOND: many,
    SLUICE_ACCEPT_ADDRESS_SIGN_IN_FAILURES_PER_SECOND: many,
  })
  const log = createLogger({ level: 'info', pretty: false, name: 'fuzz', destination })
  const signal = new AbortController().signal
  const onGone = (): void => undefined
  await startGateway({ config, clock: systemClock, log, counters: createCounters(), signal, onGone })
  if (port === 0) throw new Error('the gateway does not listen')
  return port
}

/** Sends bytes, hangs up a moment later, and resolves with what came back until the gateway hung up as well. */
function exchange(port: number, input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const late = setTimeout(() => {
      socket.destroy()
      reject(new Error('the connection was left open'))
    }, END_MS)
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    // A gateway that has said enough may reset what is still under way.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(late)
      resolve(Buffer.concat(pieces))
    })
    socket.write(input)
    void pause(LINGER_MS).then(() => socket.end())
  })
}

/** What came back is nothing, or answers of the table, the last perhaps an upgrade with frames of a server behind it. */
function judge(answer: Buffer): void {
  const text = answer.toString('latin1')
  if (text === '') return
  if (!STATUS.test(text)) throw new Error(`no answer of the table: ${text.slice(0, 100)}`)
  const upgraded = /^HTTP\/1\.1 101 |\r\nHTTP\/1\.1 101 /.exec(text)
  if (upgraded === null) return
  let at = text.indexOf('\r\n\r\n', upgraded.index) + 4
  while (at < answer.length) {
    const [first = 0, second = 0] = answer.subarray(at)
    const short = second & 0x7f
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      short < 126 ? short : short === 126 ? answer.readUInt16BE(at + 2) : Number(answer.readBigUInt64BE(at + 2))
    if ((first & 0x70) !== 0 || second > 127) throw new Error('a frame that no server may send')
    if ((first & 0x0f) === OPCODE.close && length >= 2) {
      const code = answer.readUInt16BE(at + head)
      if (!(code in CLOSE_CODES)) throw new Error(`a close code that is not of the table: ${code}`)
    }
    at += head + length
  }
}
