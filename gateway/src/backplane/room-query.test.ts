// Questions to routers over a real nats-server; the routers are the test's.
import type { NatsConnection } from '@nats-io/transport-node'
import { headers } from '@nats-io/transport-node'
import { createSubjects, encodeApiError, HEADER_SERVICE_ERROR_CODE, parseRoom, type Room } from '@sluice/proto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLink } from '../../../test/harness/links.ts'
import { type NatsServer, startNats } from '../../../test/harness/nats.ts'
import { askRouters } from './room-query.ts'

const subjects = createSubjects('sluice')
const lobby = parseRoom('default:lobby', 128) as Room

let nats: NatsServer
let client: NatsConnection
let link: Awaited<ReturnType<typeof openLink>>

beforeEach(async () => {
  nats = await startNats()
  client = await nats.connect()
  link = await openLink(nats.url)
})
afterEach(async () => {
  await link[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const ask = (bytesMax = 1_000_000) => askRouters(link, subjects, lobby, { membersMax: 1000, bytesMax })

async function answer(text: string | null, error?: number): Promise<string[]> {
  const asked: string[] = []
  client.subscribe(subjects.api('presence'), {
    callback: (_, message) => {
      asked.push(message.string())
      if (text === null) return
      const given = headers()
      if (error !== undefined) given.set(HEADER_SERVICE_ERROR_CODE, `${error}`)
      message.respond(text, { headers: given })
    },
  })
  await client.flush()
  return asked
}

const members = [
  { user: 'ann', info: { n: 1 }, connections: 2 },
  { user: 'ben', connections: 1 },
]
const body = JSON.stringify({ room: 'lobby', count: 2, connections: 3, members })

describe('a question', () => {
  test('is answered by a router', async () => {
    const asked = await answer(body)
    expect(await ask()).toEqual({ ok: true, members, count: 2 })
    expect(asked.map((text) => JSON.parse(text))).toEqual([{ room: 'lobby', limit: 1000 }])
  })

  test('is answered by the first, while another one is frozen', async () => {
    await answer(null)
    await answer(body)
    expect(await ask()).toMatchObject({ ok: true })
  })

  test('lists what fits', async () => {
    await answer(body)
    expect(await ask(body.length - 1)).toEqual({ ok: true, members: members.slice(0, 1), count: 2 })
  })

  test('that a router refuses is refused with its code', async () => {
    await answer(encodeApiError({ code: 'unavailable', message: 'loading' }), 503)
    expect(await ask()).toEqual({ ok: false, code: 'unavailable', message: 'loading' })
  })

  test('without a router is unavailable', async () => {
    expect(await ask()).toMatchObject({ ok: false, code: 'unavailable' })
  })

  test('that nobody answers times out', async () => {
    await answer(null)
    expect(await ask()).toMatchObject({ ok: false, code: 'timeout' })
  })

  test('that is answered by nonsense is a fault of ours', async () => {
    await answer('{"room":7}')
    expect(await ask()).toMatchObject({ ok: false, code: 'internal' })
  })
})
