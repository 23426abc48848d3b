import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { boundedFetch, fetchFailure, JWKS_BYTES_MAX } from './jwks-fetch.ts'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function startServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function get(url: string, fetch = globalThis.fetch): Promise<Response> {
  const signal = AbortSignal.timeout(5000)
  return boundedFetch(fetch)(url, { method: 'GET', redirect: 'manual', headers: new Headers(), signal })
}

async function failureOf(url: string, fetch?: typeof globalThis.fetch): Promise<string> {
  return get(url, fetch).then(
    () => 'none',
    (error: unknown) => fetchFailure(error),
  )
}

it('a body passes at the bound of its size, and not above', async () => {
  const url = await startServer((request, response) => response.end('x'.repeat(Number(request.url?.slice(1)))))
  for (const bytes of [0, JWKS_BYTES_MAX - 1, JWKS_BYTES_MAX]) {
    expect(await (await get(`${url}/${bytes}`)).text()).toHaveLength(bytes)
  }
  expect(await failureOf(`${url}/${JWKS_BYTES_MAX + 1}`)).toBe(`more than ${JWKS_BYTES_MAX} bytes`)
})

it('an endless body is cut off, and its connection with it', async () => {
  const { promise: cutOff, resolve } = Promise.withResolvers<void>()
  const url = await startServer((_request, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(64 * 1024)));
    }
    response.on('drain', more).on('close', resolve)
    more()
  })
  expect(await failureOf(url)).toContain('more than')
  await cutOff
})

it.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
  const paths: (string | undefined)[] = []
  const url = await startServer((request, response) => {
    paths.push(request.url)
    if (request.url === '/keys') response.writeHead(status, { location: '/elsewhere' })
    response.end('{}')
  })
  expect(await failureOf(`${url}/keys`)).toBe(`status ${status}`)
  expect(paths).toEqual(['/keys'])
})

it.each([201, 204, 404, 503])('an answer with status %i is none', async (status) => {
  const url = await startServer((_request, response) =>
    response.writeHead(status).end(status === 204 ? '' : '{"keys":[]}'),
  )
  expect(await failureOf(url)).toBe(`status ${status}`)
})

it('what failed is named without the address', async () => {
  const broken = await startServer((request) => request.socket.destroy())
  expect(await failureOf(broken)).toBe('UND_ERR_SOCKET')
  // fetch quotes an address with credentials in its message.
  const withPassword = await failureOf('http://user:hunter2@127.0.0.1:1/')
  expect(withPassword).toBe('TypeError')
  expect(await failureOf('http://127.0.0.1:1/?token=hunter2')).not.toContain('hunter2')
  expect(await failureOf('http://keys.invalid/', () => Promise.reject('hunter2'))).toBe('unknown')
})
