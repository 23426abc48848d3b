// What HTTP answers carry beside their text, on both ports and whoever made them.
import { request } from 'node:http'
import { expect } from 'vitest'
import { refusedUpgrade } from '../harness/client.ts'
import { testWithCluster } from '../harness/stage.ts'

const test = testWithCluster({ settings: { accept: { origins: ['https://app.example.com'] } } })

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** One plain request; its status and headers. */
function ask(port: number, path: string, method = 'GET'): Promise<{ status: number; headers: Headers }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method }, (response) => {
      response.resume()
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
    })
    asked.on('error', reject)
    asked.end()
  })
}

/** Not kept, not guessed at, and nothing that names a product, a version or an origin. */
function expectSafe(headers: Headers, what: string): void {
  expect(headers, what).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
  expect(headers['content-type'], what).not.toMatch(/html/)
  for (const name of ['server', 'x-powered-by', 'access-control-allow-origin', 'set-cookie'])
    expect(headers, what).not.toHaveProperty(name)
}

test('answers of the public port are neither kept nor guessed at, and name no product', async ({
  cluster: { one },
}) => {
  const secret = '?token=secret'
  for (const [path, status] of [
    ['/', 404],
    ['/ws', 426],
    [`/ws${secret}`, 426],
    ['/token', 404],
  ] as const) {
    const answer = await ask(one.port, path)
    expect(answer.status).toBe(status)
    expectSafe(answer.headers, path)
    expect(answer.headers).toMatchObject({ 'referrer-policy': 'no-referrer' })
  }
  const refused: [string, Record<string, string>, number][] = [
    [one.url.replace('/ws', '/other'), {}, 404],
    [one.url, { origin: 'https://evil.example.com' }, 403],
    [one.url, { 'sec-websocket-protocol': 'unknown' }, 400],
    [one.url, { 'sec-websocket-key': 'short' }, 400],
    [one.url, { 'sec-websocket-version': '7' }, 400],
  ]
  for (const [url, headers, status] of refused) {
    const answer = await refusedUpgrade(url, headers)
    expect({ headers, status: answer.status }).toEqual({ headers, status })
    expectSafe(answer.headers, JSON.stringify(headers))
  }
  expect((await refusedUpgrade(one.url, { 'sec-websocket-version': '7' })).headers['sec-websocket-version']).toBe('13')
})

test('what is no HTTP gets a bare 400', async ({ stage, cluster: { one } }) => {
  const raw = await stage.tcp(one)
  raw.write('NONSENSE\r\n\r\n')
  expect(await raw.httpAnswer()).toBe('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
})

test('answers of the admin port are neither kept nor guessed at, and name no product', async ({ cluster: { one } }) => {
  for (const path of ['/livez', '/readyz', '/metrics', '/', '/../etc/passwd'])
    expectSafe((await ask(one.adminPort, path)).headers, path)
  const posted = await ask(one.adminPort, '/livez', 'POST')
  expect(posted.status).toBe(405)
  expectSafe(posted.headers, 'POST')
})
