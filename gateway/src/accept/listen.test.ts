import { once } from 'node:events'
import { createServer } from 'node:http'
import { ListenError } from '@sluice/service/admin/listen-error'
import { afterEach, describe, expect, test } from 'vitest'
import { listen } from './listen.ts'

const servers: ReturnType<typeof createServer>[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.listening) await once(server.close(), 'close')
})

function server() {
  const made = createServer()
  servers.push(made)
  return made
}

describe('the public port', () => {
  test('is open when listening resolves, and is told', async () => {
    const port = await listen(server(), { host: '127.0.0.1', port: 0 })
    expect(port).toBeGreaterThan(0)
    expect((await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(100) }).catch((e) => e)).name).toBe(
      'TimeoutError',
    )
  })

  test('that is taken is a clear error which names the setting', async () => {
    const port = await listen(server(), { host: '127.0.0.1', port: 0 })
    const failed = listen(server(), { host: '127.0.0.1', port })
    await expect(failed).rejects.toBeInstanceOf(ListenError)
    await expect(failed).rejects.toThrow(/SLUICE_LISTEN_PORT/)
    await expect(failed).rejects.toThrow(String(port))
  })
})
