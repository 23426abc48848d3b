// The package as its users get it: built, packed, and installed in an empty folder that knows nothing of this repository.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect } from 'vitest'
import { testWithCluster } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

/** What a page pays for the library that speaks JSON. */
const GZIP_BYTES_MAX = 12_000

const repository = resolve(import.meta.dirname, '../..')

/** Runs a program to its end. */
function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { PATH, HOME } = process.env
  const done = spawnSync(command, args, { cwd, env: { PATH, HOME, ...env }, encoding: 'utf8', timeout: 50_000 })
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${done.status}:\n${done.stdout}\n${done.stderr}`)
  return done.stdout
}

const USER = `
import { connect, SluiceError } from '@sluice/client'
import { msgpack } from '@sluice/client/msgpack'

const { GATEWAY, TOKEN } = process.env
for (const codec of [undefined, msgpack()]) {
  const sluice = connect(GATEWAY, { token: TOKEN, ...(codec ? { codec } : {}) })
  const room = sluice.room('chat:packed')
  const next = room.messages().next()
  await room.ready()
  await room.publish({ text: 'hi', at: new Date(0) })
  const { value } = await next
  console.log(value.from, JSON.stringify(value.data))
  const bytes = room.messages().next()
  await room.publish(new Uint8Array([0, 255]))
  console.log([...(await bytes).value.data].join())
  await sluice.room('private:board').ready().catch((error) => console.log(error instanceof SluiceError, error.code))
  sluice.close()
}
`

const TYPED_USER = `
import { connect, type Message, SluiceError, type State } from '@sluice/client'
import { msgpack } from '@sluice/client/msgpack'

const sluice = connect('wss://host/ws', { token: async ({ signal }) => (await fetch('/token', { signal })).text(), codec: msgpack() })
const room = sluice.room('chat:lobby', { history: 20, presence: true })
room.on('message', (message: Message) => message.data)
sluice.on('state', (state: State) => state.name === 'waiting' && state.retryInMs.toFixed())
export const users: string[] = room.members.map(({ user }) => user)
export async function talk(): Promise<number | undefined> {
  for await (const { from } of room.messages({ max: 10 })) if (from === 'ann') break
  const { offset } = await room.publish({ text: 'hi' })
  const { messages } = await room.history({ limit: 10 })
  const first: Message | undefined = messages[0]
  return first?.offset ?? offset
}
// @ts-expect-error a state has no such name
sluice.on('state', (state) => state.name === 'asleep')
export const code: 'lost' | string = new SluiceError('lost', '').code
`

const test = testWithCluster()
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  .extend('built', { scope: 'file' }, async ({}, { onCleanup }) => {
    const { Stage } = await import('../harness/stage.ts')
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const folder = stage.folder()
    run(process.execPath, [join(repository, 'client/build.ts'), join(folder, 'dist')], repository)
    const packed = run('npm', ['pack', './dist', '--silent'], folder).trim()
    const app = join(folder, 'app')
    mkdirSync(app)
    writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"type":"module"}')
    run('npm', ['install', join(folder, packed), '--offline', '--no-audit', '--no-fund'], app)
    return { dist: join(folder, 'dist'), app }
  })

describe('the package', () => {
  test('is small, and holds nothing of the schemas', ({ built: { dist } }) => {
    const bundle = readFileSync(join(dist, 'connect.js'))
    expect(gzipSync(bundle, { level: 9 }).length).toBeLessThan(GZIP_BYTES_MAX)
    for (const name of ['connect.js', 'msgpack.js'])
      expect(readFileSync(join(dist, name), 'utf8')).not.toMatch(/\bzod\b|safeParse/)
    // The other encoding is paid for by those alone who import it.
    expect(String(bundle)).not.toContain('sluice.v1.msgpack')
  })

  test('depends on nothing, and names nothing that users do not have', ({ built: { dist, app } }) => {
    const manifest = JSON.parse(readFileSync(join(dist, 'package.json'), 'utf8'))
    expect(Object.keys(manifest).filter((field) => /dependencies/i.test(field))).toEqual([])
    expect(manifest).toMatchObject({ name: '@sluice/client', type: 'module', license: 'Apache-2.0' })
    expect(readdirSync(join(app, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['@sluice'])
    for (const name of readdirSync(dist).filter((file) => file.endsWith('.d.ts'))) {
      const text = readFileSync(join(dist, name), 'utf8')
      expect(text.match(/from ['"](?!\.\/[\w-]+\.js['"])[^'"]*['"]/g)).toBeNull()
    }
    expect(readdirSync(dist)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'connect.d.ts', 'msgpack.d.ts']))
  })

  test('is typed, under the strictest settings, with and without the DOM’s or Node’s types', ({ built: { app } }) => {
    writeFileSync(join(app, 'user.ts'), TYPED_USER)
    const strict = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    }
    const compilerOptions = {
      ...strict,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022', 'dom', 'esnext.disposable'],
      types: [],
    }
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }))
    run(join(repository, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], app)
  })

  test('works where it is installed, in both encodings', async ({ built: { app }, cluster: { one } }) => {
    writeFileSync(join(app, 'user.js'), USER)
    const said = run(process.execPath, ['user.js'], app, { GATEWAY: one.url, TOKEN: await makeToken('ann') })
    const each = ['ann {"text":"hi","at":"1970-01-01T00:00:00.000Z"}', '0,255', 'true forbidden']
    expect(said.trim().split('\n')).toEqual([...each, ...each])
  })
})
