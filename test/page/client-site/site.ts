// A site that uses the published bundle of the client library: the files of its folder, and a page that loads them, from a server of its own.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join, resolve } from 'node:path'

const repository = resolve(import.meta.dirname, '../../..')
/** As a page imports it; what it took is left for the test's scripts. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>client</title><link rel="icon" href="data:,">
<script type="module">
  import { connect } from '/connect.js'
  import { msgpack } from '/msgpack.js'
  Object.assign(window, { connect, msgpack, states: [], heard: [], unhandled: 0 })
  window.addEventListener('unhandledrejection', () => window.unhandled++)
</script>`

/** A site that a test serves. */
export interface Site extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly origin: string
}

/** Builds the bundle into a folder, and serves it. */
export async function serveSite(folder: string): Promise<Site> {
  const { status, stderr } = spawnSync(process.execPath, [join(repository, 'client/build.ts'), folder], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`the build ended with ${status}: ${stderr}`)
  const server = createServer(({ url = '/' }, response) => {
    const script = url.endsWith('.js')
    response.writeHead(200, { 'content-type': script ? 'text/javascript' : 'text/html' })
    response.end(script ? readFileSync(join(folder, basename(url))) : PAGE)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
