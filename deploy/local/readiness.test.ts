import { createServer, type Server } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { untilReady } from './readiness.ts'

let answers: { readonly status: number; readonly body: string }[]
let server: Server
let url: string

beforeEach(async () => {
  answers = []
  server = createServer((_request, response) => {
    const { status, body } = answers.shift() ?? { status: 200, body: '' }
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/readyz`
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
})

test('it waits for 200 and tells each reason once', async () => {
  answers = [
    { status: 503, body: 'no NATS\n' },
    { status: 503, body: 'no NATS\n' },
    { status: 503, body: 'no probe' },
  ]
  const reasons: string[] = []
  await untilReady({
    url,
    onWait: (reason) => reasons.push(reason),
    patienceMs: -1,
    signal: new AbortController().signal,
  })
  expect(reasons).toEqual(['503 no NATS', '503 no probe'])
})

test('a start that is quick says nothing', async () => {
  answers = [{ status: 503, body: 'starting' }]
  const reasons: string[] = []
  await untilReady({ url, onWait: (reason) => reasons.push(reason), signal: new AbortController().signal })
  expect(reasons).toEqual([])
})

test('nobody there is a reason to wait, and waiting can be ended', async () => {
  await new Promise((resolve) => server.close(resolve))
  const abort = new AbortController()
  const onWait = (reason: string): void => abort.abort(new Error(reason))
  await expect(untilReady({ url, onWait, patienceMs: -1, signal: abort.signal })).rejects.toThrow()
})
