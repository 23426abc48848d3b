import { createHash } from 'node:crypto'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { download } from './download.ts'

const content = 'the right bytes'
const sha256 = createHash('sha256').update(content).digest('hex')

let folder: string
let server: Server

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-download-'))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(folder, { recursive: true })
})

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

async function attempt(
  url: string,
  limits: { connectMs?: number; stallMs?: number; bytesMax?: number } = {},
): Promise<string> {
  try {
    await download({ url, file: join(folder, 'file'), sha256, ...limits })
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

test('a file with the expected checksum is kept, also after a redirect', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/file') response.end(content)
    else response.writeHead(302, { location: '/file' }).end()
  })
  expect(await attempt(`${url}/release`)).toBe('')
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe(content)
})

test('a file with another checksum is thrown away, and both checksums are told', async () => {
  const url = await serve((_request, response) => response.end('other bytes'))
  const message = await attempt(url)
  expect(message).toContain(sha256)
  expect(message).toContain(createHash('sha256').update('other bytes').digest('hex'))
  await expect(access(join(folder, 'file'))).rejects.toThrow('ENOENT')
})

test('an answer that is not 200 is told', async () => {
  const url = await serve((_request, response) => response.writeHead(404).end(content))
  expect(await attempt(url)).toContain('404')
})

test('a server that does not answer is given up soon', async () => {
  const url = await serve(() => undefined)
  expect(await attempt(url, { connectMs: 50 })).toContain('no answer within 0.05 s')
})

test('a body that stalls is given up, and what came of it is thrown away', async () => {
  const url = await serve((_request, response) => response.writeHead(200, { 'content-length': 100 }).write('the'))
  expect(await attempt(url, { stallMs: 100 })).toContain('nothing came for 0.1 s')
  await expect(access(join(folder, 'file'))).rejects.toThrow('ENOENT')
})

test('a body without an end is cut off at its bound', async () => {
  const url = await serve((_request, response) => response.end('x'.repeat(1000)))
  expect(await attempt(url, { bytesMax: 999 })).toContain('more than 999 bytes')
})

test('nobody at the other end is told with the reason', async () => {
  const url = await serve(() => undefined)
  await new Promise((resolve) => server.close(resolve))
  expect(await attempt(url)).toContain('ECONNREFUSED')
})
