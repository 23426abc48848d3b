import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createHttpHandler, type HttpHandler } from './http-handler.ts'
import { createLocalSite, LOCAL_PAGE } from './local-site.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await once(server.close(), 'close')
})

async function serve(handler: HttpHandler): Promise<{ url: string; port: number }> {
  const server = createServer(handler).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port }
}

/** A request whose target no client library would write. */
async function rawGet(port: number, target: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET ${target} HTTP/1.1\r\nHost: local\r\nConnection: close\r\n\r\n`)
  let answer = ''
  socket.on('data', (piece: Buffer) => {
    answer += piece.toString()
  })
  await once(socket, 'close')
  return answer.split('\r\n')[0] ?? ''
}

const local = (sign: ((user: string) => Promise<string>) | null = async (user) => `token of ${user}`) =>
  serve(createLocalSite({ folders: [LOCAL_PAGE, '/not/there'], sign, next: createHttpHandler('/ws') }))

describe('plain HTTP on the public port', () => {
  test('is told to upgrade on the path of the sockets, and not found elsewhere', async () => {
    const { url } = await serve(createHttpHandler('/ws'))
    const asked = await fetch(`${url}/ws?token=x`)
    expect([asked.status, asked.headers.get('upgrade'), await asked.text()]).toEqual([
      426,
      'websocket',
      'Upgrade Required',
    ])
    for (const path of ['/', '/token', '/index.html', '/wss', '/ws/']) {
      expect((await fetch(url + path)).status, path).toBe(404)
    }
  })
})

describe('the local site', () => {
  test('serves the page on / and its parts by name', async () => {
    const { url } = await local()
    const page = await fetch(url)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; (?!.*unsafe).*base-uri 'none'; .*frame-ancestors 'none'$/,
    )
    expect(page.headers.get('x-content-type-options')).toBe('nosniff')
    expect(page.headers.get('cache-control')).toBe('no-store')
    const html = await page.text()
    const parts = [...html.matchAll(/(?:src|href)="(?!data:|http)([^"#]+)"/g)].map(([, path = '']) => path)
    expect(parts.length).toBeGreaterThan(0)
    for (const part of parts) expect((await fetch(new URL(part, url))).status, part).toBe(200)
  })

  test('signs a token for whoever asks, where the keys are ours', async () => {
    const { url } = await local()
    expect(await (await fetch(`${url}/token?user=alice`)).text()).toBe('token of alice')
    expect(await (await fetch(`${url}/token?user=a%26b%3Fc`)).text()).toBe('token of a&b?c')
    expect((await fetch(`${(await local(null)).url}/token?user=alice`)).status).toBe(404)
  })

  test('says so where a token cannot be signed, and not why', async () => {
    const { url } = await local(() => Promise.reject(new Error('hush')))
    const answer = await fetch(`${url}/token?user=alice`)
    expect([answer.status, await answer.text()]).toEqual([500, 'no token'])
  })

  test.each(['//', '//[', '/\\', 'http://[', '*', '/%', '/%2e%2e/%2e%2e/package.json', '/../page.ts', '/__proto__'])(
    'answers the target %s like any other that it does not know',
    async (target) => {
      const { url, port } = await local()
      expect(await rawGet(port, target)).toMatch(/^HTTP\/1\.1 (404|400) /)
      expect((await fetch(url)).status).toBe(200)
    },
  )

  test('leaves the path of the sockets to the handler behind it', async () => {
    const { url } = await local()
    expect((await fetch(`${url}/ws`)).status).toBe(426)
  })
})
