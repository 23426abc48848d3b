import type { Browser, Page } from 'playwright-core'
import { expect, test as plain, type TestContext } from 'vitest'
import { makeToken } from '../harness/tokens.ts'
import { findBrowser, launchBrowser, NO_BROWSER } from './browser.ts'
import { localStart } from './local-start.ts'

const SECRET = 'sluice-local-secret-never-use-in-production'

const test = plain
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  .extend('local', { scope: 'file' }, async ({}, { onCleanup }) => {
    const local = await localStart()
    onCleanup(() => local[Symbol.asyncDispose]())
    await local.ready()
    return local
  })
  // biome-ignore lint/correctness/noEmptyPattern: as above
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }): Promise<Browser | null> => {
    const path = findBrowser()
    if (path === null) return null
    const browser = await launchBrowser(path)
    onCleanup(() => browser.close())
    return browser
  })

/** A new tab, or the end of the test where there is no browser. */
function openTab(browser: Browser | null, skip: TestContext['skip']): Promise<Page> {
  return browser === null ? skip(NO_BROWSER) : browser.newPage()
}

/** Signs in on an open page. */
async function connect(page: Page, user: string, room = 'chat:lobby'): Promise<void> {
  await page.fill('#user', user)
  await page.fill('#room', room)
  await page.click('#connect')
  await page.waitForSelector('#state[data-state="open"]')
  await page.waitForSelector('#text:enabled')
}

/** Waits for a message that somebody else sent. */
async function hears(page: Page, from: string, text: string, kind = 'room'): Promise<void> {
  const item = page.locator(`#messages > li[data-kind="${kind}"][data-from="${from}"]`, { hasText: text })
  await item.first().waitFor()
  expect(await item.count()).toBe(1)
}

test('two tabs on two gateways chat, a message each way, and send to each other directly', async ({
  skip,
  local,
  browser,
}) => {
  const [ann, ben] = [await openTab(browser, skip), await openTab(browser, skip)]
  const problems: string[] = []
  for (const page of [ann, ben]) page.on('pageerror', (error) => problems.push(error.message))
  await ann.goto(local.page(1))
  await ben.goto(local.page(2))
  await connect(ann, 'ann')
  await connect(ben, 'ben')
  for (const page of [ann, ben]) {
    for (const member of ['ann', 'ben']) await page.waitForSelector(`#members > li[data-member=${member}]`)
  }
  await ann.fill('#text', 'hello from one')
  await ann.click('#send-button')
  await hears(ben, 'ann', 'hello from one')
  await ben.fill('#text', 'hello from <b>two</b>')
  await ben.press('#text', 'Enter')
  await hears(ann, 'ben', 'hello from <b>two</b>')
  await ann.fill('#to', 'ben')
  await ann.fill('#direct-text', 'psst')
  await ann.click('#direct-button')
  await hears(ben, 'ann', 'psst', 'direct')
  expect(await ann.textContent('#gateway')).not.toBe(await ben.textContent('#gateway'))
  expect(problems).toEqual([])
})

test('a tab that comes later sees what was said before, and older messages on demand', async ({
  skip,
  local,
  browser,
}) => {
  const ann = await openTab(browser, skip)
  await ann.goto(local.page(1))
  await connect(ann, 'ann', 'chat:past')
  for (let n = 1; n <= 25; n++) {
    await ann.fill('#text', `message ${n} of 25`)
    await ann.press('#text', 'Enter')
    await ann.locator('#messages > li[data-own]', { hasText: `message ${n} of 25` }).waitFor()
  }
  const ben = await openTab(browser, skip)
  await ben.goto(local.page(2))
  await connect(ben, 'ben', 'chat:past')
  const shown = ben.locator('#messages > li[data-kind=room]')
  await ben.locator('#messages > li[data-replayed]', { hasText: 'message 25 of 25' }).waitFor()
  expect(await shown.count()).toBe(20)
  await ben.click('#older')
  await ben.locator('#messages > li', { hasText: 'message 1 of 25' }).first().waitFor()
  expect(await shown.count()).toBe(25)
  await ben.waitForSelector('#older', { state: 'hidden' })
  const texts = await shown.locator('.body').allTextContents()
  expect(texts).toEqual(Array.from({ length: 25 }, (_, n) => `message ${n + 1} of 25`))
})

test('the link to the other gateway opens the page there', async ({ skip, local, browser }) => {
  const page = await openTab(browser, skip)
  await page.goto(local.page(1))
  const opened = page.waitForEvent('popup')
  await page.click('#gateway-links a')
  const other = await opened
  await connect(other, 'eve')
  expect(new URL(other.url()).port).toBe(new URL(local.page(2)).port)
})

test('an anonymous tab hears a named one', async ({ skip, local, browser }) => {
  const [named, anonymous] = [await openTab(browser, skip), await openTab(browser, skip)]
  await named.goto(local.page(1))
  await anonymous.goto(local.page(2))
  await connect(named, 'ann', 'hall')
  await connect(anonymous, '', 'hall')
  expect(await anonymous.textContent('#identity')).toMatch(/^~/)
  await named.fill('#text', 'hi, whoever you are')
  await named.click('#send-button')
  await hears(anonymous, 'ann', 'hi, whoever you are')
})

test('a bare snippet opens and is welcomed, and learns why it is refused', async ({ skip, local, browser }) => {
  const page = await openTab(browser, skip)
  await page.goto(local.page(1))
  const token = await makeToken('ann', { secret: SECRET })
  const told = await page.evaluate(
    async (url) => {
      const socket = new WebSocket(url)
      const texts: string[] = []
      await new Promise((resolve) => {
        socket.onmessage = ({ data }) => {
          texts.push(data)
          if (texts.length === 1) socket.send('this is no frame')
          if (texts.length === 2) socket.send('{"id":1,"type":"ping"}')
          if (texts.length === 3) resolve(null)
        }
        socket.onclose = resolve
      })
      return { frames: texts.map((text) => JSON.parse(text)), open: socket.readyState === WebSocket.OPEN }
    },
    `${local.socket(1)}?token=${token}`,
  )
  expect(told.frames).toMatchObject([
    { type: 'welcome', user: 'ann' },
    { type: 'error', code: 'bad_request' },
    { type: 'pong', id: 1 },
  ])
  expect(told.open).toBe(true)

  const closed = (url: string): Promise<number> =>
    page.evaluate(
      (address) =>
        new Promise<number>((resolve) => {
          new WebSocket(address).onclose = ({ code }) => resolve(code)
        }),
      url,
    )
  expect(await closed(`${local.socket(1)}?token=nonsense`)).toBe(4001)
  const expired = await makeToken('ann', { secret: SECRET, ttlSeconds: -60 })
  expect(await closed(`${local.socket(1)}?token=${expired}`)).toBe(4002)
})

test('the tutorials’ client works unchanged: on `/`, and `Echo: Hello` on `/echo`', async ({
  skip,
  local,
  browser,
}) => {
  const page = await openTab(browser, skip)
  await page.goto(local.page(1))
  const base = local.socket(1).replace('/ws', '')
  const first = await page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url)
        socket.addEventListener('message', (event) => resolve(event.data))
      }),
    base,
  )
  expect(JSON.parse(first)).toMatchObject({ type: 'welcome' })
  const echoed = await page.evaluate(
    (url) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(url)
        socket.addEventListener('open', () => socket.send('Hello'))
        socket.addEventListener('message', (event) => resolve(event.data))
      }),
    `${base}/echo`,
  )
  expect(echoed).toBe('Echo: Hello')
})
