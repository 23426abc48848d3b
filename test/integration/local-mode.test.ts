import { describe, expect } from 'vitest'
import { WebSocket } from 'ws'
import { Client, refusedUpgrade } from '../harness/client.ts'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

/** The secret of local runs, which stands in a public repository. */
const secret = 'sluice-local-secret-never-use-in-production'
const settings = { local: true, auth: { secret, grants: { send: ['*'] } }, accept: { origins: ['*'] } }
const test = testWithCluster({ settings })

describe('local mode', () => {
  test('upgrades on `/` anonymously, as the tutorials’ client expects', async ({ stage, cluster: { one, two } }) => {
    const root = one.url.replace('/ws', '/')
    const plain = stage.use(new Client(root, { subprotocols: [], headers: { origin: 'http://localhost:3000' } }))
    const { user } = await plain.welcome()
    expect(user).toBe(`~${plain.session}`)
    await plain.join('chat:local')
    const ben = await (await stage.user(two, 'ben', { secret })).join('chat:local')
    await plain.ok({ type: 'publish', room: 'chat:local', data: 'hi' })
    expect(await ben.message()).toMatchObject({ from: user, data: 'hi' })
    const named = stage.use(new Client(root, { token: await makeToken('ann', { secret }) }))
    expect(await named.welcome()).toMatchObject({ user: 'ann' })
  })

  test('answers `Echo: Hello` to `Hello` on `/echo`', async ({ cluster: { one } }) => {
    const socket = new WebSocket(one.url.replace('/ws', '/echo'))
    const answer = new Promise<string>((resolve) => socket.once('message', (text) => resolve(text.toString())))
    socket.once('open', () => socket.send('Hello'))
    expect(await answer).toBe('Echo: Hello')
    socket.terminate()
  })

  test('still wants a token on `/ws`', async ({ stage, cluster: { one } }) => {
    const client = await stage.open(one)
    expect(await client.refused({ type: 'join', room: 'chat:lobby' })).toBe('unauthorized')
    const bad = await stage.open(one, { token: 'nonsense', by: 'query' })
    expect((await bad.closed).code).toBe(4001)
  })

  test('serves the page and what it needs on the public port, and nothing else', async ({ cluster: { one } }) => {
    const base = `http://127.0.0.1:${one.port}`
    const page = await fetch(`${base}/`)
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    const html = await page.text()
    for (const [, file] of html.matchAll(/(?:src|href)="([\w./-]+\.(?:js|css))"/g)) {
      expect({ file, status: (await fetch(`${base}/${file}`)).status }).toEqual({ file, status: 200 })
    }
    for (const path of ['/../sluice.json', '/%2e%2e/sluice.json', '/..%2fsluice.json', '/sluice.json', '/page', '//'])
      expect({ path, status: (await fetch(base + path)).status }).toEqual({ path, status: 404 })
    expect(await refusedUpgrade(`${base}/elsewhere`)).toMatchObject({ status: 404 })
  })

  test('hands out tokens for its own page', async ({ stage, cluster: { one } }) => {
    const response = await fetch(`http://127.0.0.1:${one.port}/token?user=ann`)
    const client = await stage.open(one, { token: await response.text() })
    expect(await client.welcome()).toMatchObject({ user: 'ann' })
  })

  test('survives requests that no browser sends', async ({ stage, cluster: { one } }) => {
    for (const target of ['//', '///', '//[', '/%', '/%00', '*', 'http://[::', '/\\..\\x']) {
      const raw = await stage.tcp(one)
      raw.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      expect({ target, answer: await raw.httpAnswer() }).toEqual({
        target,
        answer: expect.stringMatching(/^HTTP\/1\.1 (200|400|404) /),
      })
    }
    await stage.user(one, 'ann', { secret })
  })
})
