import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { Processes } from '../servers/processes.ts'
import { type Crowd, compileCrowd, startCrowd } from './crowd-process.ts'

const program = await compileCrowd()
const PLAN = { path: '/', steps: [], readyAfter: 0 }
const each = (count: number, plan: object = PLAN) => Array.from({ length: count }, () => ({ ...PLAN, ...plan }))

let processes: Processes
let server: WebSocketServer
let clients: WebSocket[]

beforeEach(async () => {
  processes = new Processes()
  clients = []
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (client) => clients.push(client))
  await once(server, 'listening')
})

afterEach(async () => {
  await processes.stop()
  for (const client of clients) client.terminate()
  server.close()
})

async function crowdOf(skip: (condition: boolean, why: string) => void): Promise<{ crowd: Crowd; port: number }> {
  skip(program === null, 'no C compiler is here')
  return { crowd: await startCrowd(processes, program as string), port: (server.address() as AddressInfo).port }
}

test('every message is counted for its client, whatever its size, and no ping is', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  await crowd.open('all', port, each(3))
  crowd.begin('all', 8)
  const [first, second] = clients as [WebSocket, WebSocket, WebSocket]
  const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000]
  for (const size of sizes) first.send('x'.repeat(size))
  first.ping('are you there')
  second.send(Buffer.alloc(10))
  expect(await crowd.turns(1, 10_000)).toBe(true)
  const headers = [2, 2, 2, 4, 4, 10, 10, 2]
  const bytes = [...sizes, 10, ...headers].reduce((sum, size) => sum + size, 0)
  expect(await crowd.end([7, 1, 0])).toMatchObject({ messages: 8, bytes, wrong: 0, lost: 0 })
})

test('who got more or less than was expected is wrong, and who was closed is lost', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  await crowd.open('all', port, each(3))
  crowd.begin('all', 2)
  for (const client of clients.slice(0, 2)) client.send('hello')
  await crowd.turns(1, 10_000)
  clients[2]?.terminate()
  await pause(100)
  expect(await crowd.end([1, 0, 0])).toMatchObject({ messages: 2, wrong: 1, lost: 1 })
})

test('a client says its steps when it has heard what it waits for, and is open after that', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  const said: string[] = []
  server.on('connection', (client) => {
    client.on('message', (text) => {
      said.push(String(text))
      client.send('ok')
    })
    for (let at = 0; at < 12; at++) client.send('welcome')
  })
  const steps = [
    { after: 12, text: 'one' },
    { after: 0, text: 'two' },
    { after: 2, text: 'three' },
  ]
  await crowd.open('polite', port, each(1, { steps, readyAfter: 1 }))
  expect(said).toEqual(['one', 'two', 'three'])
})

test('a refusal fails the opening, with what the server said', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  server.on('connection', (client) => client.send('{"type":"error","code":"forbidden"}'))
  await expect(crowd.open('refused', port, each(1, { readyAfter: 2 }))).rejects.toThrow('forbidden')
})

test('a message that carries the time at which it was sent is timed', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  await crowd.open('timed', port, each(2))
  await crowd.beginTimed('timed')
  const earlier = process.hrtime.bigint() - 50_000_000n
  for (const client of clients) client.send(`{"t":${earlier}}`)
  await pause(200)
  const { messages, delaysMicros } = await crowd.endTimed()
  expect(messages).toBe(2)
  for (const micros of delaysMicros) expect(micros).toBeGreaterThanOrEqual(50_000)
  expect(delaysMicros).toHaveLength(2)
})

test('each line is a message where a server gathers them so', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  await crowd.open('lines', port, each(1), { linesAreMessages: true })
  crowd.begin('lines', 6)
  for (const text of ['one', 'one\ntwo', 'one\ntwo\nthree\n']) clients[0]?.send(text)
  expect(await crowd.turns(1, 10_000)).toBe(true)
  expect(await crowd.end([6])).toMatchObject({ messages: 6, wrong: 0 })
})

test('clients send what they are told to, and wait until it was read', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  const heard: string[] = []
  server.on('connection', (client) => client.on('message', (text) => heard.push(String(text))))
  await crowd.open('senders', port, each(4))
  expect(await crowd.send('senders', { times: 5, everyMs: 1, text: 'hello' })).toBe(4)
  expect(heard).toEqual(Array.from({ length: 20 }, () => 'hello'))
})

test('a client that is paused reads no more; a group that is closed is gone', async ({ skip }) => {
  const { crowd, port } = await crowdOf(skip)
  await crowd.open('all', port, each(2))
  await crowd.pause('all', 0)
  crowd.begin('all', 1)
  for (const client of clients) client.send('hello')
  await crowd.turns(1, 10_000)
  expect(await crowd.end([0, 1])).toMatchObject({ messages: 1, wrong: 0 })
  const closed = clients.map((client) => once(client, 'close'))
  await crowd.close('all')
  await Promise.all(closed)
})
