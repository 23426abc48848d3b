import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type AdminServer, type Readiness, startAdminServer } from './admin-server.ts'
import { ListenError } from './listen-error.ts'

let server: AdminServer
let readiness: Readiness
let metrics: () => Promise<string>
const onError = vi.fn<(error: unknown) => void>()

function start(port = 0): Promise<AdminServer> {
  return startAdminServer({
    host: '127.0.0.1',
    port,
    setting: 'SLUICE_ADMIN_HOST and SLUICE_ADMIN_PORT',
    readiness: () => readiness,
    metrics: () => metrics(),
    contentType: 'text/plain; version=0.0.4',
    onError,
  })
}

beforeEach(async () => {
  readiness = { ready: true, reasons: [] }
  metrics = async () => 'connections 3\n'
  onError.mockClear()
  server = await start()
})

afterEach(() => server.close())

function get(path: string, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${server.port}${path}`, { method })
}

/** Sends bytes as they are and gives what comes back until the other side closes. */
function exchange(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(server.port, '127.0.0.1', () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}

describe('the admin port', () => {
  test('answers /livez whatever the readiness', async () => {
    readiness = { ready: false, reasons: ['nats_disconnected'] }
    const response = await get('/livez')
    expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
  })

  test('answers /readyz with 200, or 503 and the reasons', async () => {
    expect((await get('/readyz')).status).toBe(200)
    readiness = { ready: false, reasons: ['draining', 'nats_disconnected'] }
    const response = await get('/readyz?verbose')
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({ ready: false, reasons: ['draining', 'nats_disconnected'] })
  })

  test('serves /metrics with the type that Prometheus expects', async () => {
    const response = await get('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4')
    expect(await response.text()).toBe('connections 3\n')
  })

  test('answers 500 and tells the fault if the metrics fail, and lives on', async () => {
    const fault = new Error('no numbers')
    metrics = () => Promise.reject(fault)
    expect((await get('/metrics')).status).toBe(500)
    expect(onError).toHaveBeenCalledExactlyOnceWith(fault)
    expect((await get('/livez')).status).toBe(200)
  })

  test('knows no other path', async () => {
    for (const path of ['/', '/ws', '/livez/', '/metrics/../livez%00']) expect((await get(path)).status).toBe(404)
  })

  test('answers HEAD without a body, and no other method', async () => {
    const head = await get('/metrics', 'HEAD')
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '14', ''])
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const response = await get('/livez', method)
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
  })

  test('refuses headers of more than 8 KiB, and what is no HTTP', async () => {
    expect(await exchange(`GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    )
    expect(await exchange('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect((await get('/livez')).status).toBe(200)
  })

  test('closes although a client keeps its connection open', async () => {
    const held = exchange('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')
    await get('/livez')
    await server.close()
    expect(await held).toMatch(/^HTTP\/1\.1 200 /)
    await expect(get('/livez')).rejects.toThrow()
    server = await start()
  })

  test('that is taken is an error that says which port, and what to set', async () => {
    const error = await start(server.port).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ListenError)
    expect(error).toMatchObject({ code: 'EADDRINUSE' })
    expect(String(error)).toContain(
      `127.0.0.1:${server.port} is taken by another process; SLUICE_ADMIN_HOST and SLUICE_ADMIN_PORT`,
    )
  })
})
