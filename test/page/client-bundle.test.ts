// The bundle as it is published, in a real browser, against real gateways.
import { setTimeout as pause } from 'node:timers/promises'
import type { Sluice, SluiceErrorCode } from '@sluice/client'
import type { Browser, Page } from 'playwright-core'
import { expect, type TestContext } from 'vitest'
import { eventually } from '../harness/eventually.ts'
import { startNatsProxy } from '../harness/nats-proxy.ts'
import { Stage, testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.ts'
import { type Site, serveSite } from './client-site/site.ts'

/** What the page's script keeps, so that later steps find it. */
interface Kept {
  connect: typeof import('@sluice/client').connect
  msgpack: typeof import('@sluice/client/msgpack').msgpack
  sluice: Sluice
  states: string[]
  heard: unknown[]
  unhandled: number
}

const test = testWithCluster({
  settings: { accept: { origins: ['*'], addressConnectionsPerSecond: 100_000 }, compression: { enabled: true } },
})
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  .extend('site', { scope: 'file' }, async ({}, { onCleanup }): Promise<Site> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    return stage.use(await serveSite(stage.folder()))
  })
  // biome-ignore lint/correctness/noEmptyPattern: as above
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }): Promise<Browser | null> => {
    const path = findBrowser()
    if (path === null) return null
    const browser = await launchBrowser(path)
    onCleanup(() => browser.close())
    return browser
  })

/** A tab with the library loaded, or the end of the test where there is no browser. */
async function openTab(browser: Browser | null, site: Site, skip: TestContext['skip']): Promise<Page> {
  const page = browser === null ? skip(NO_BROWSER) : await browser.newPage()
  await page.goto(site.origin)
  await page.waitForFunction(() => 'connect' in window)
  return page
}

/** Connects and joins a room; what it hears is kept. */
function join(page: Page, url: string, token: string, encoding = 'json'): Promise<void> {
  return page.evaluate(
    async (options) => {
      const kept = window as unknown as Kept
      const codec = options.encoding === 'msgpack' ? { codec: kept.msgpack() } : {}
      const backoff = { minMs: 50, maxMs: 500 }
      kept.sluice = kept.connect(options.url, { token: options.token, backoff, probeMs: 500, ...codec })
      kept.sluice.on('state', ({ name }) => kept.states.push(name))
      const room = kept.sluice.room('chat:browser')
      room.on('message', ({ from, data }) => {
        kept.heard.push([from, data instanceof Uint8Array ? `bytes ${data.join()}` : data])
      })
      await room.ready()
    },
    { url, token, encoding },
  )
}

const heard = (page: Page): Promise<unknown[]> => page.evaluate(() => (window as unknown as Kept).heard)
const states = (page: Page): Promise<string[]> => page.evaluate(() => (window as unknown as Kept).states)

function publish(page: Page, data: unknown): Promise<unknown> {
  return page.evaluate((value) => (window as unknown as Kept).sluice.room('chat:browser').publish(value), data)
}

/** Sends a signal to the processes that run the browser's pages. */
async function renderers(page: Page): Promise<(signal: NodeJS.Signals) => void> {
  const control = await page.context().browser()?.newBrowserCDPSession()
  const { processInfo = [] } = (await control?.send('SystemInfo.getProcessInfo')) ?? {}
  const pids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  expect(pids).not.toEqual([])
  return (signal) => {
    for (const pid of pids) process.kill(pid, signal)
  }
}

test('two tabs on two gateways, in two encodings, hear each other', async ({ skip, browser, site, cluster }) => {
  const [ann, ben] = [await openTab(browser, site, skip), await openTab(browser, site, skip)]
  await join(ann, cluster.one.url, await makeToken('ann'))
  await join(ben, cluster.two.url, await makeToken('ben'), 'msgpack')
  await publish(ann, { text: 'hi', list: [1, null] })
  await ben.evaluate(() => (window as unknown as Kept).sluice.room('chat:browser').publish(new Uint8Array([0, 255])))
  const all = [
    ['ann', { text: 'hi', list: [1, null] }],
    ['ben', 'bytes 0,255'],
  ]
  for (const tab of [ann, ben]) {
    await eventually(() => heard(tab)).toEqual(all)
    expect(await tab.evaluate(() => (window as unknown as Kept).unhandled)).toBe(0)
  }
})

test('a tab whose socket is cut, or has died without a word, is back with its room', async ({
  skip,
  browser,
  site,
  stage,
  cluster,
}) => {
  const proxy = stage.use(await startNatsProxy(cluster.one.url))
  const page = await openTab(browser, site, skip)
  await join(page, `ws://${new URL(proxy.url).host}/ws`, await makeToken('ann'))
  proxy.cut()
  await eventually(() => states(page)).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open'])
  await publish(page, 'after the cut')
  await eventually(() => heard(page)).toEqual([['ann', 'after the cut']])
  proxy.silence()
  // As a browser tells it when the network is back: reason to doubt what seems open.
  await page.evaluate(() => void window.dispatchEvent(new Event('online')))
  await eventually(() => states(page)).toHaveLength(8)
  await publish(page, 'after the silence')
  await eventually(() => heard(page)).toEqual([
    ['ann', 'after the cut'],
    ['ann', 'after the silence'],
  ])
})

test('a tab that was frozen notices by the clock that its socket has died, and is back', async ({
  skip,
  browser,
  site,
  stage,
  cluster,
}) => {
  const proxy = stage.use(await startNatsProxy(cluster.one.url))
  const page = await openTab(browser, site, skip)
  await join(page, `ws://${new URL(proxy.url).host}/ws`, await makeToken('ann'))
  const signal = await renderers(page)
  signal('SIGSTOP')
  proxy.silence()
  await pause(8000)
  signal('SIGCONT')
  const goneOnAtMs = performance.now()
  await eventually(() => states(page)).toEqual(['connecting', 'open', 'waiting', 'connecting', 'open'])
  expect(performance.now() - goneOnAtMs).toBeLessThan(3000)
})

test('a tab learns why it is stopped; a listener that throws is told to the page and harms nobody', async ({
  skip,
  browser,
  site,
  cluster,
}) => {
  const page = await openTab(browser, site, skip)
  const problems: string[] = []
  page.on('pageerror', ({ message }) => problems.push(message))
  await join(page, cluster.one.url, await makeToken('ann'))
  await page.evaluate(() => {
    const kept = window as unknown as Kept
    kept.sluice.room('chat:browser').on('message', () => {
      throw new Error('mine')
    })
  })
  await publish(page, 1)
  await publish(page, 2)
  await eventually(() => heard(page)).toEqual([
    ['ann', 1],
    ['ann', 2],
  ])
  await eventually(() => problems).toEqual(['mine', 'mine'])
  const code = await page.evaluate(async (url): Promise<SluiceErrorCode> => {
    const refused = (window as unknown as Kept).connect(url, { token: 'nonsense', backoff: { minMs: 20 } })
    return refused.call('method', null).then(
      () => 'internal',
      (error) => error.code,
    )
  }, cluster.one.url)
  expect(code).toBe('closed')
})

test('messages come compressed to a browser, which offers that by itself, in both encodings', async ({
  site,
  browser,
  skip,
  cluster: { nats, two },
}) => {
  const deflated = async (): Promise<number> => (await two.metrics()).value('deflations_total', { result: 'deflated' })
  const compressed = async (): Promise<number> => (await two.metrics()).value('connections_compressed')
  // Tabs of the tests before are in the same room.
  for (const tab of browser?.contexts().flatMap((context) => context.pages()) ?? []) await tab.close()
  await eventually(compressed).toBe(0)
  const before = await deflated()
  const rows = Array.from({ length: 300 }, (_, id) => ({ id, name: `item ${id % 10}` }))
  const service = await nats.connect()
  for (const [at, encoding] of ['json', 'msgpack'].entries()) {
    const page = await openTab(browser, site, skip)
    await join(page, two.url, await makeToken('browser'), encoding)
    expect(await compressed()).toBe(1)
    service.publish('sluice.room.chat.browser', JSON.stringify(rows))
    await eventually(async () => (await heard(page)).map((message) => (message as [string, unknown])[1])).toEqual([
      rows,
    ])
    expect(await deflated()).toBe(before + at + 1)
    await page.close()
    await eventually(compressed).toBe(0)
  }
})
