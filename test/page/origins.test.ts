// Pages of other origins in a real browser (cross-site WebSocket hijacking): what a browser itself sends along opens nothing.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { expect, type TestContext } from 'vitest'
import type { GatewayProcess } from '../harness/gateway.ts'
import { test as plain, Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.ts'

/** A page of an origin; its cookies are the test's. */
async function serveOrigin(stage: Stage): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end('<!doctype html><title>page</title><link rel="icon" href="data:,">')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stage.use({
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Place {
  readonly gateway: GatewayProcess
  readonly ours: string
  readonly theirs: string
  readonly browser: Browser | null
}

const test = plain.extend(
  'place',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Place> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const [ours, theirs] = [await serveOrigin(stage), await serveOrigin(stage)]
    const accept = { origins: [ours], addressConnectionsPerSecond: 100_000, unauthenticatedWaitMs: 500 }
    const gateway = await stage.gateway(await stage.nats(), { settings: { accept } })
    const path = findBrowser()
    const browser = path === null ? null : await launchBrowser(path)
    if (browser !== null) stage.use({ [Symbol.asyncDispose]: () => browser.close() })
    return { gateway, ours, theirs, browser }
  },
)

/** A tab of an origin whose browser holds the token as a cookie of the gateway's host, which all ports of a host share. */
async function tab(place: Place, origin: string, token: string, skip: TestContext['skip']): Promise<Page> {
  const context = place.browser === null ? skip(NO_BROWSER) : await place.browser.newContext()
  const names = ['token', 'access_token', 'jwt', 'Authorization', 'bearer']
  await context.addCookies(names.map((name) => ({ name, value: token, domain: '127.0.0.1', path: '/' })))
  const page = await context.newPage()
  await page.goto(origin)
  return page
}

/** Opens a socket in the page: the first frame's type, or the code of the close. */
function open(page: Page, url: string, subprotocols: string[] = []): Promise<string> {
  return page.evaluate(
    ([address, offered]) =>
      new Promise<string>((done) => {
        const socket = new WebSocket(address, offered)
        socket.onmessage = ({ data }) => done(JSON.parse(data).type)
        socket.onclose = ({ code }) => done(`closed ${code}`)
      }),
    [url, subprotocols] as const,
  )
}

test('a page of an origin that is not on the list opens no socket, whatever token it has', async ({ skip, place }) => {
  const token = await makeToken('victim')
  const page = await tab(place, place.theirs, token, skip)
  const before = (await place.gateway.metrics()).value('refusals_total', { reason: 'origin' })
  const accepted = (await place.gateway.metrics()).value('accepts_total')
  expect(await open(page, place.gateway.url)).toBe('closed 1006')
  expect(await open(page, `${place.gateway.url}?token=${token}`)).toBe('closed 1006')
  expect(await open(page, place.gateway.url, ['sluice.v1.json', `bearer.${token}`])).toBe('closed 1006')
  const after = await place.gateway.metrics()
  expect(after.value('refusals_total', { reason: 'origin' })).toBe(before + 3)
  expect(after.value('accepts_total')).toBe(accepted)
  // Nor may it read what plain HTTP answers: no answer names an origin.
  const read = (url: string) => page.evaluate((address) => fetch(address).then((r) => r.text(), String), url)
  expect(await read(place.gateway.url.replace('ws:', 'http:'))).toMatch(/Failed to fetch/)
})

test('a sandboxed frame, whose origin is null, opens none either', async ({ skip, place }) => {
  const page = await tab(place, place.ours, await makeToken('victim'), skip)
  const code = await page.evaluate(
    (address) =>
      new Promise<string>((done) => {
        window.onmessage = ({ data }) => done(String(data))
        const frame = document.createElement('iframe')
        frame.setAttribute('sandbox', 'allow-scripts')
        frame.srcdoc = `<script>new WebSocket(${JSON.stringify(address)}).onclose = ({ code }) => parent.postMessage(code, '*')</script>`
        document.body.append(frame)
      }),
    place.gateway.url,
  )
  expect(code).toBe('1006')
})

test('a page of an allowed origin signs in with a token that it sends, and never by cookies alone', async ({
  skip,
  place,
}) => {
  const token = await makeToken('owner')
  const page = await tab(place, place.ours, token, skip)
  expect(await open(page, place.gateway.url, ['sluice.v1.json', `bearer.${token}`])).toBe('welcome')
  expect(await open(page, place.gateway.url)).toBe('closed 4001')
})
