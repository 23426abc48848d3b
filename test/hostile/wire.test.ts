import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { OPCODE, wireFrame } from '../harness/raw-socket.ts'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const test = testWithCluster()

const PING = '{"id":1,"type":"ping"}'
const text = (payload: string) => wireFrame({ opcode: OPCODE.text, payload })

describe('a frame against the WebSocket protocol', () => {
  const cases: [string, number, Buffer][] = [
    ['without a mask', 1002, wireFrame({ opcode: OPCODE.text, payload: PING, masked: false })],
    ['with a reserved bit', 1002, wireFrame({ opcode: OPCODE.text, payload: PING, reserved: 4 })],
    ['of a reserved opcode', 1002, wireFrame({ opcode: 3, payload: PING })],
    ['of a reserved control opcode', 1002, wireFrame({ opcode: 11 })],
    ['that continues nothing', 1002, wireFrame({ opcode: OPCODE.continuation, payload: PING })],
    ['that is a ping in parts', 1002, wireFrame({ opcode: OPCODE.ping, fin: false })],
    ['that is a ping of 126 bytes', 1002, wireFrame({ opcode: OPCODE.ping, payload: Buffer.alloc(126) })],
    ['that is a close of one byte', 1002, wireFrame({ opcode: OPCODE.close, payload: Buffer.from([3]) })],
    [
      'that closes with a code that none may send',
      1002,
      wireFrame({ opcode: OPCODE.close, payload: Buffer.from([3, 237]) }),
    ],
    ['of text that is not UTF-8', 1007, wireFrame({ opcode: OPCODE.text, payload: Buffer.from([0x22, 0xff, 0x22]) })],
    [
      'of text that ends within a character',
      1007,
      wireFrame({ opcode: OPCODE.text, payload: Buffer.from([0x22, 0xf0, 0x9f]) }),
    ],
    ['that claims 4 GiB', 1009, wireFrame({ opcode: OPCODE.text, length: 2 ** 32, payload: 'x' })],
    ['that claims more than 2^53 bytes', 1009, wireFrame({ opcode: OPCODE.text, length: 2 ** 60, payload: 'x' })],
    [
      'that is a text within a text',
      1002,
      Buffer.concat([wireFrame({ opcode: OPCODE.text, payload: '{', fin: false }), text(PING)]),
    ],
  ]

  test.for(cases)('%s closes with %i', async ([, code, bytes], { stage, cluster: { one } }) => {
    const before = (await one.metrics()).value('closes_total', { code: `${code}` })
    const raw = await stage.raw(one, 'ann')
    await eventually(() => raw.texts.length).toBe(1)
    raw.write(bytes)
    expect(await raw.closeCode()).toBe(code)
    await eventually(async () => (await one.metrics()).value('closes_total', { code: `${code}` })).toBe(before + 1)
  })
})

describe('a message in parts', () => {
  test('is put together, with control frames between them answered at once', async ({ stage, cluster: { one } }) => {
    const raw = await stage.raw(one, 'ann')
    for (const [at, char] of [...PING].entries()) {
      raw.write(
        wireFrame({
          opcode: at === 0 ? OPCODE.text : OPCODE.continuation,
          payload: char,
          fin: at === PING.length - 1,
        }),
      )
      raw.write(wireFrame({ opcode: OPCODE.ping, payload: `${at}` }))
    }
    await eventually(() => raw.texts.some((answer) => answer.includes('pong'))).toBe(true)
    await eventually(() => raw.frames.filter(({ opcode }) => opcode === OPCODE.pong).length).toBe(PING.length)
    const pongs = raw.frames.filter(({ opcode }) => opcode === OPCODE.pong).map(({ payload }) => payload.toString())
    expect(pongs).toEqual([...PING].map((_, at) => `${at}`))
  })

  test('byte by byte on the wire is a message all the same', async ({ stage, cluster: { one } }) => {
    const raw = await stage.raw(one, 'ann')
    for (const byte of text(PING)) raw.write(Buffer.from([byte]))
    await eventually(() => raw.texts.some((answer) => answer.includes('pong'))).toBe(true)
  })

  test('of which there are too many closes with 1008, too many bytes with 1009', async ({
    stage,
    cluster: { one },
  }) => {
    const many = await stage.raw(one, 'ann')
    const part = wireFrame({ opcode: OPCODE.continuation, payload: '', fin: false })
    many.write(wireFrame({ opcode: OPCODE.text, payload: '{', fin: false }))
    many.write(Buffer.concat(Array.from({ length: 3000 }, () => part)))
    expect(await many.closeCode()).toBe(1008)
    const large = await stage.raw(one, 'ann')
    const kilobyte = wireFrame({ opcode: OPCODE.continuation, payload: 'x'.repeat(1024), fin: false })
    large.write(wireFrame({ opcode: OPCODE.text, payload: '{', fin: false }))
    large.write(Buffer.concat(Array.from({ length: 65 }, () => kilobyte)))
    expect(await large.closeCode()).toBe(1009)
  })
})

test('frames that come in one packet with the handshake are handled after the sign-in', async ({
  stage,
  cluster: { one },
}) => {
  const raw = await stage.tcp(one)
  const headers = [
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Authorization: Bearer ${await makeToken('eager')}`,
  ]
  raw.write(Buffer.concat([Buffer.from(`GET /ws HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), text(PING), text(PING)]))
  expect(await raw.httpAnswer()).toContain(' 101 ')
  await eventually(() => raw.texts.length).toBe(3)
  expect(raw.texts.map((frame) => JSON.parse(frame).type)).toEqual(['welcome', 'pong', 'pong'])
})

describe('floods', () => {
  test('of pings that are read are answered; of pings that are not are closed with 4008', async ({
    stage,
    cluster: { one },
  }) => {
    const reader = await stage.raw(one, 'reader')
    const pings = Buffer.concat(
      Array.from({ length: 2000 }, (_, n) => wireFrame({ opcode: OPCODE.ping, payload: `${n}` })),
    )
    reader.write(pings)
    await eventually(() => reader.frames.filter(({ opcode }) => opcode === OPCODE.pong).length).toBe(2000)

    const before = (await one.metrics()).value('slow_consumers_total')
    const deaf = await stage.raw(one, 'deaf')
    deaf.socket.pause()
    const flood = Buffer.concat(
      Array.from({ length: 10_000 }, () => wireFrame({ opcode: OPCODE.ping, payload: 'x'.repeat(125) })),
    )
    const flooding = setInterval(() => deaf.write(flood), 20)
    try {
      await eventually(async () => (await one.metrics()).value('slow_consumers_total'), 20_000).toBe(before + 1)
    } finally {
      clearInterval(flooding)
    }
  })
})

describe('bytes that are no handshake', () => {
  const hello = 'GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  const cases: [string, string | Buffer][] = [
    ['noise', randomBytes(4096)],
    ['a TLS hello', Buffer.from('1603010200010001fc0303', 'hex')],
    ['a frame without a handshake', text(PING)],
    ['no version', `${hello}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`],
    ['another version', `${hello}Sec-WebSocket-Version: 7\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`],
    ['no key', `${hello}Sec-WebSocket-Version: 13\r\n\r\n`],
    ['a short key', `${hello}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: abc\r\n\r\n`],
    [
      'a post',
      `${hello.replace('GET', 'POST')}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    ],
    [
      'a subprotocol that is no token',
      `${hello}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ,,"\r\n\r\n`,
    ],
    ['32 KiB of headers', `${hello}X-Long: ${'x'.repeat(32_768)}\r\n\r\n`],
    ['a header with a line break in it', `${hello}X-Odd: a\rb\r\n\r\n`],
    ['another upgrade', hello.replace('websocket', 'h2c').concat('\r\n')],
    ['an absolute address', hello.replace('/ws', 'http://[::/ws').concat('\r\n')],
  ]

  test.for(cases)('%s is refused, and no socket comes of it', async ([, bytes], { stage, cluster: { one } }) => {
    const raw = await stage.tcp(one)
    raw.write(bytes)
    raw.socket.end()
    expect(await raw.httpAnswer()).not.toContain(' 101 ')
    await eventually(() => raw.ended).toBe(true)
  })

  test('half a request is not waited for long, and costs others nothing', async ({ stage, cluster: { one } }) => {
    const halves = await Promise.all(Array.from({ length: 50 }, () => stage.tcp(one)))
    for (const half of halves) half.write(hello)
    const ann = await stage.user(one, 'ann')
    await ann.settled()
    for (const half of halves) half.socket.destroy()
  })
})

test('after all of it the gateway serves as before', async ({ stage, cluster: { one } }) => {
  const ann = await (await stage.user(one, 'ann')).join('chat:after')
  await ann.ok({ type: 'publish', room: 'chat:after', data: 1 })
  expect(await ann.message()).toMatchObject({ data: 1 })
  await eventually(async () => (await one.metrics()).value('queue_bytes')).toBe(0)
})
