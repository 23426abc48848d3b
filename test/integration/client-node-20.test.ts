// The library as it is built, on the oldest Node that it runs on, which has no WebSocket of its own and is given that of `ws`, as
// client/README.md says: through the death of its gateway each message comes once.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { startChild } from '../harness/child.ts'
import { saidOf } from '../harness/client-library.ts'
import { eventually } from '../harness/eventually.ts'
import type { GatewayProcess } from '../harness/gateway.ts'
import { historyCluster } from '../harness/history.ts'
import { test } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

const repository = resolve(import.meta.dirname, '../..')
const node20 = join(repository, 'test/node-20/node_modules/node/bin/node')

const USER = `
const { LIBRARY, WS, FIRST, SECOND, TOKEN } = process.env
const { connect } = await import(LIBRARY)
const { WebSocket } = await import(WS)
const say = (event, value) => console.log(JSON.stringify({ event, value }))
say('node', [process.versions.node.split('.')[0], typeof globalThis.WebSocket])
let address = FIRST
const backoff = { minMs: 20, maxMs: 200, stableMs: 1000 }
const sluice = connect(() => address, { token: TOKEN, WebSocket, backoff })
sluice.on('state', ({ name }) => {
  say('state', name)
  if (name === 'waiting') address = SECOND
})
const room = sluice.room('chat:old', { history: 20 })
for (const event of ['recovered', 'gap', 'fault']) room.on(event, (value) => say(event, value))
room.on('message', ({ data }) => say('message', data))
await room.ready()
say('receipt', await room.publish({ text: 'from Node 20' }))
`

test('the built library on Node 20 misses nothing when its gateway is killed, and hears nothing twice', {
  timeout: 90_000,
}, async ({ stage, skip }) => {
  skip(!existsSync(node20), 'no Node 20: npm has not run the scripts of packages')
  const { gateways } = await historyCluster(stage)
  const [one, two] = gateways as [GatewayProcess, GatewayProcess]
  const folder = stage.folder()
  const built = spawnSync(process.execPath, [join(repository, 'client/build.ts'), join(folder, 'dist')], {
    encoding: 'utf8',
  })
  expect([built.status, built.stderr]).toEqual([0, ''])
  writeFileSync(join(folder, 'user.mjs'), USER)
  const ben = await stage.user(two, 'ben')
  for (const data of [1, 2]) await ben.ok({ type: 'publish', room: 'chat:old', data })

  const child = startChild({
    command: node20,
    args: [join(folder, 'user.mjs')],
    env: {
      LIBRARY: pathToFileURL(join(folder, 'dist/connect.js')).href,
      WS: pathToFileURL(join(createRequire(import.meta.url).resolve('ws/package.json'), '../wrapper.mjs')).href,
      FIRST: one.url,
      SECOND: two.url,
      TOKEN: await makeToken('ann'),
    },
  })
  stage.use({ [Symbol.asyncDispose]: async () => void (await child.kill()) })
  await child.line((line) => line.includes('"receipt"'), 'the library has published', 30_000)
  expect(saidOf(child, 'node')).toEqual([['20', 'undefined']])

  await one.child.kill()
  for (const data of [3, 4]) await ben.ok({ type: 'publish', room: 'chat:old', data })
  await child.line((line) => line.includes('"recovered"'), 'the library has recovered', 30_000)
  for (const data of [5, 6]) await ben.ok({ type: 'publish', room: 'chat:old', data })
  const own = { text: 'from Node 20' }
  await eventually(() => saidOf(child, 'message')).toEqual([1, 2, own, 3, 4, 5, 6])
  expect([...saidOf(child, 'gap'), ...saidOf(child, 'fault')]).toEqual([])
  expect(saidOf(child, 'state').at(-1)).toBe('open')
})
