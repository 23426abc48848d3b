// Injection: names, methods, ids and headers with the metacharacters of NATS and HTTP, through a real gateway with the rights of deploy/nats. A spy on
// `>` sees what was published: the subjects that were meant, and nothing else. Then the second wall alone: the gateway's own credentials.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import type { Client } from '../harness/client.ts'
import { eventually } from '../harness/eventually.ts'
import { DEFAULT_SETTINGS, type GatewayProcess } from '../harness/gateway.ts'
import { type NatsWithAccounts, startNatsWithAccounts } from '../harness/nats-accounts.ts'
import { type Heard, publishRaw, type Spy, startSpy } from '../harness/nats-spy.ts'
import { test as plain, Stage } from '../harness/stage.ts'
import { makeToken } from '../harness/tokens.ts'

// A fixed seed: what fails here fails everywhere. SLUICE_FUZZ_RUNS asks for more than CI has time for.
const RUNS = { seed: 20_261_125, numRuns: Number(process.env.SLUICE_FUZZ_RUNS ?? 20) }

const anyone = { join: { who: 'anyone' }, publish: { who: 'anyone' } }
const NAMESPACES = { default: anyone, chat: { ...anyone, history: { messages: 100, seconds: 600 } }, private: anyone }

interface Wall extends Pick<NatsWithAccounts, 'nats' | 'passwords' | 'connect'> {
  readonly gateway: GatewayProcess
  readonly spy: Spy
}

const test = plain.extend(
  'wall',
  { scope: 'file' },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures this one needs
  async ({}, { onCleanup }): Promise<Wall> => {
    const stage = new Stage()
    onCleanup(() => stage[Symbol.asyncDispose]())
    const accounts = await startNatsWithAccounts(stage)
    await accounts.router({ namespaces: NAMESPACES })
    const auth = { ...DEFAULT_SETTINGS.auth, grants: { send: ['*'], call: ['*'] } }
    const gateway = await accounts.gateway({ namespaces: NAMESPACES, auth }, { expectErrors: true })
    return { ...accounts, gateway, spy: await startSpy(accounts) }
  },
)

/** Written anew, so that a fault of the encoding under test shows. */
const token = (name: string): string =>
  [...Buffer.from(name)]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return /[\w-]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')

const METACHARACTERS = [
  '.',
  '*',
  '>',
  ' ',
  '\t',
  '\r\n',
  '\n',
  '\0',
  '\ud800',
  '\udfff',
  '=',
  '=2E',
  '%2e',
  ':',
  '$',
  '$JS.API.STREAM.DELETE.SLUICE_HISTORY_chat',
  '$KV.sluice_revoked.user.ann',
  '_INBOX.',
  '$SYS.REQ.SERVER.PING',
  'sluice.api.disconnect',
  '\r\nPUB sluice.ctl.all 2\r\n{}\r\n',
  '․',
  '＊',
  '＞',
  'ｃhat',
  'сhat',
  '\u202e',
  '\ufeff',
  '{user}',
  '~',
  'x'.repeat(300),
  'é'.repeat(200),
  '\r\nSluice-From: root',
  '","from":"root',
]
const piece = fc.oneof(fc.constantFrom(...METACHARACTERS), fc.string({ unit: 'binary', maxLength: 6 }))
const name = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''))
const room = fc.oneof(
  { weight: 3, arbitrary: name.map((local) => `chat:${local}`) },
  { weight: 3, arbitrary: name.map((local) => `private:${local}`) },
  { weight: 1, arbitrary: name },
  { weight: 1, arbitrary: fc.tuple(name, name).map((parts) => parts.join(':')) },
)
/** Mostly none, as one field that is refused hides all the others. */
const extras = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.record({ event: name, key: name, traceparent: name }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.record({ key: name, traceparent: name }) },
)
const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('publish'), room, ephemeral: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('send'), user: name }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('send'), session: name }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('call'), method: name, timeoutMs: fc.constant(20) }) },
)

type Act = Readonly<Record<string, string | number | boolean>>

/** The only subjects where an act may show. A call that nobody answers has been published all the same. */
function subjectsOf(done: Act, answer: { readonly type: string }): readonly string[] {
  if (done.type === 'call') return [`sluice.call.${`${done.method}`.split('.').map(token).join('.')}`]
  if (answer.type === 'error') return []
  if (done.type === 'send')
    return done.user === undefined ? [`sluice.session.${done.session}`] : [`sluice.user.${token(`${done.user}`)}`]
  const [, namespace = 'default', local = ''] = /^(?:([^:]*):)?([\s\S]*)$/.exec(`${done.room}`) ?? []
  const place = `room.${token(namespace)}.${token(local)}`
  const stored = namespace === 'chat' && done.ephemeral !== true
  return stored ? [`sluice.live.${place}`, `sluice.pub.${place}`] : [`sluice.${place}`]
}

const HEADERS =
  /^(Sluice-(From|Session|Event|Key|Exclude-Session|Claims|Deadline-Ms|Request)|traceparent|Content-Type|Nats-[A-Z][A-Za-z-]*)$/
const CLEAN = /^[\x20-\x7e]*$/

/** What must hold of every message, whatever was done. */
function inspect({ subject, headers }: Heard, user: string): void {
  expect(subject).toMatch(/^(sluice|_INBOX|_R_|\$JS|\$KV)\.[\w$=.-]+$/)
  expect(subject).not.toMatch(/^(\$SYS|sluice\.(ctl|api|revoked))\./)
  for (const [header, values] of headers ?? []) {
    expect(header).toMatch(HEADERS)
    if (header !== 'Sluice-Key') for (const value of values) expect(value).toMatch(CLEAN)
  }
  if (headers?.has('Sluice-From') === true) expect(headers.values('Sluice-From')).toEqual([token(user)])
}

/** Does one act and returns what became of it; null if the socket was closed for it. */
async function perform(client: Client, frame: object): Promise<{ readonly type: string } | null> {
  const answer = await client.request(frame).catch(() => null)
  // Ten malformed frames in a row close a socket.
  if (client.close === null) await client.request({ type: 'ping' }).catch(() => null)
  return client.close === null ? answer : null
}

describe('through a gateway', () => {
  test('only the subjects that were meant are published, whatever stands in names', async ({ stage, wall }) => {
    const { gateway, spy } = wall
    let [acts, done] = [0, 0]
    await fc.assert(
      fc.asyncProperty(name, fc.array(fc.tuple(act, extras), { minLength: 4, maxLength: 8 }), async (user, list) => {
        const client = await stage.open(gateway, { token: await makeToken(user) })
        const welcomed = await client.next(({ type }) => type === 'welcome').catch(() => null)
        if (welcomed === null) {
          expect((await client.closed).code).toBe(4001)
          return
        }
        for (const [frame, fields] of list) {
          const from = spy.heard.length
          const mark = `mark ${acts++}`
          const answer = await perform(client, { ...frame, ...fields, data: mark })
          if (answer === null) break
          if (answer.type !== 'error') done++
          await spy.settled()
          const expected = subjectsOf(frame as Act, answer)
          const stored = expected[0]?.startsWith('sluice.live.') === true
          if (stored)
            await eventually(() => spy.heard.slice(from).some(({ subject }) => subject === expected[0])).toBe(true)
          const fresh = spy.heard.slice(from)
          const marked = fresh.filter(({ text }) => text.includes(mark))
          for (const { subject } of marked) expect(expected).toContain(subject)
          if (frame.type !== 'call') expect(new Set(marked.map(({ subject }) => subject))).toEqual(new Set(expected))
          for (const message of marked) inspect(message, `${welcomed.user}`)
        }
        await client.leave()
      }),
      RUNS,
    )
    expect(done).toBeGreaterThan(acts / 10)
    console.log(`injection: seed ${RUNS.seed}, ${acts} acts, ${done} done, the others refused`)
  })

  test('an id comes back as it was or is refused, and nothing is published for it', async ({ stage, wall }) => {
    const ann = await stage.user(wall.gateway, 'ann')
    await fc.assert(
      fc.asyncProperty(name, async (id) => {
        ann.send({ type: 'publish', room: 'private:ids', data: `id of ${id}`, id })
        const answer = await ann.next(({ type }) => type === 'ok' || type === 'error')
        if (answer.type === 'ok') expect(answer.id).toBe(id)
        else expect(answer).toMatchObject({ code: 'bad_request' })
        await ann.request({ type: 'ping' })
        await wall.spy.settled()
        for (const { headers = [] } of wall.spy.heard.filter(({ subject }) => subject === 'sluice.room.private.ids'))
          for (const [header] of headers) expect(header).toMatch(HEADERS)
      }),
      RUNS,
    )
  })
})

/** What the example file lets the user `gateway` publish. */
function allowed(): readonly string[] {
  const text = readFileSync(resolve(import.meta.dirname, '../../deploy/nats/accounts.conf'), 'utf8')
  const block = /user: gateway[\s\S]*?publish \{ allow: \[([\s\S]*?)\] \}/.exec(text)?.[1] ?? ''
  return [...block.replace(/#.*/g, '').matchAll(/"([^"]+)"/g)].map(([, subject = '']) => subject)
}

function fits(pattern: string, subject: string): boolean {
  const [wanted, tokens] = [pattern.split('.'), subject.split('.')]
  return wanted.at(-1) === '>'
    ? tokens.length >= wanted.length && wanted.slice(0, -1).every((part, at) => part === '*' || part === tokens[at])
    : tokens.length === wanted.length && wanted.every((part, at) => part === '*' || part === tokens[at])
}

describe('with the credentials of a gateway', () => {
  const parts =
    'sluice room user session pub live event api ctl all gateway call revoked lease presence chat a * > $KV $JS API $SYS REQ _INBOX ' +
    'sluice_revoked STREAM DELETE SLUICE_HISTORY_chat other =2A é'
  const part = fc.constantFrom(...parts.split(' '))
  const subject = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.')),
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `sluice.${parts.join('.')}`),
  )

  test('what is out of its rights is refused and arrives nowhere, subject by subject', async ({ stage, wall }) => {
    const rights = allowed()
    expect(rights.length).toBeGreaterThan(20)
    const subjects = [...new Set(fc.sample(subject, { seed: RUNS.seed, numRuns: 20 * RUNS.numRuns }))]
    const beyond = subjects.filter((one) => !rights.some((pattern) => fits(pattern, one)))
    const identity = { user: 'gateway', pass: wall.passwords.gateway }
    const refused = await publishRaw(wall.nats.url, identity, beyond, '"beyond the rights"')
    await wall.spy.settled()
    expect(wall.spy.heard.filter(({ text }) => text === '"beyond the rights"').map(({ subject }) => subject)).toEqual(
      [],
    )
    // The server says each one once, and shortens what it quotes of none.
    expect(new Set(refused)).toEqual(new Set(beyond))
    console.log(`rights: seed ${RUNS.seed}, ${beyond.length} subjects beyond them, all refused`)
    const ann = await (await stage.user(wall.gateway, 'ann')).join('private:after')
    await ann.ok({ type: 'publish', room: 'private:after', data: 1 })
    await ann.message()
  })
})
