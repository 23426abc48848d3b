// The suite can fail: a real gateway behind a relay that commits one fault fails the clauses of that fault, and no others.
import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { GatewayProcess } from '../harness/gateway.ts'
import type { NatsServer } from '../harness/nats.ts'
import { Stage, test } from '../harness/stage.ts'
import { CHECKS } from './check-list.ts'
import { clausesOf, readProtocol } from './clauses.ts'
import { startFaultyRelay, type Tampering } from './faulty-relay.ts'
import { describe as described, exampleOptions, startBackend } from './installation.ts'
import { clauseResults, exitCodeOf, reportText } from './report.ts'
import { runSuite } from './suite.ts'

const TYPES = ['auth', 'join', 'leave', 'publish', 'send', 'ping', 'call', 'presence', 'history']
/** How long an `ok` is held back so that messages overtake it. */
const HELD_MS = 60

/** Holds the `ok` of each join back, and all other answers behind it, but no message. */
function deliversBeforeOk(): Tampering {
  const joins = new Set<unknown>()
  const held: string[] = []
  return {
    toServer: ({ type, id }) => {
      if (type === 'join' && id !== undefined) joins.add(id)
      return true
    },
    toClient: (frame, text, later) => {
      if (frame.type === 'message') return [text]
      if (held.length === 0 && !(frame.type === 'ok' && joins.delete(frame.id))) return [text]
      held.push(text)
      if (held.length === 1) {
        setTimeout(() => {
          for (const one of held.splice(0)) later(one)
        }, HELD_MS)
      }
      return []
    },
  }
}

const faults: readonly [string, readonly string[], () => Tampering][] = [
  ['none', [], () => ({})],
  [
    'that is of a later release, with fields and frames that nobody knows',
    [],
    () => ({
      toClient: ({ type }, text) => {
        const grown = `${text.slice(0, -1)},"later":{"a":1}}`
        return type === 'welcome' ? [grown, '{"type":"updated","later":[1]}'] : [grown]
      },
    }),
  ],
  [
    'that answers twice',
    ['5.2'],
    () => ({ toClient: ({ type, id }, text) => (type === 'ok' && id !== undefined ? [text, text] : [text]) }),
  ],
  ['that delivers before the `ok` of a join', ['6.2'], deliversBeforeOk],
  ['that closes with a wrong code', ['4.1'], () => ({ closeCode: (code) => (code === 1003 ? 1002 : code) })],
  [
    'that ignores unknown types',
    ['4.7', '5.6', '17.4'],
    () => ({ toServer: ({ type }) => typeof type !== 'string' || TYPES.includes(type) }),
  ],
  [
    'that parses and prints payloads',
    ['8.2', '9.2'],
    () => ({ toClient: (frame, text) => [frame.type === 'message' ? JSON.stringify(frame) : text] }),
  ],
  [
    'that tells a limit too few',
    ['10.1'],
    () => ({
      toClient: (frame, text) => {
        if (frame.type !== 'welcome') return [text]
        const { queueBytesMax: _, ...limits } = frame.limits as Record<string, number>
        return [JSON.stringify({ ...frame, limits })]
      },
    }),
  ],
  [
    'that claims to have recovered what it has not',
    ['16.5', '16.6', '16.7', '16.8', '22.6'],
    () => ({
      toClient: (frame, text) => {
        if (frame.type === 'gap') return []
        return [frame.recovered === false ? JSON.stringify({ ...frame, recovered: true }) : text]
      },
    }),
  ],
  [
    'that does not tell a duplicate',
    ['16.3'],
    () => ({
      toClient: (frame, text) => {
        const { duplicate, ...others } = frame
        return [duplicate === true ? JSON.stringify(others) : text]
      },
    }),
  ],
  [
    'that keeps what a service says of its error',
    ['19.5'],
    () => ({
      toClient: (frame, text) => {
        const { details, ...others } = frame
        return [details === undefined ? text : JSON.stringify(others)]
      },
    }),
  ],
  [
    'that does not tell who was put into a room',
    ['3.5', '19.11', '19.12', '20.2', '20.4'],
    () => ({ toClient: ({ type }, text) => (type === 'added' ? [] : [text]) }),
  ],
  [
    'that does not tell who was taken out of a room',
    ['19.9', '20.2', '20.4'],
    () => ({ toClient: ({ type }, text) => (type === 'removed' ? [] : [text]) }),
  ],
  [
    'that takes an error of a service for a refusal',
    ['19.4', '19.5'],
    () => ({
      toClient: (frame, text) => [
        frame.code === 'service_error' ? JSON.stringify({ ...frame, code: 'forbidden' }) : text,
      ],
    }),
  ],
  [
    'that quotes what it was sent',
    ['13.1'],
    () => {
      let last = ''
      return {
        toServer: (frame) => {
          last = JSON.stringify(frame)
          return true
        },
        toClient: (frame, text) => [frame.code === 'bad_request' ? JSON.stringify({ ...frame, message: last }) : text],
      }
    },
  ],
]

describe('a server', () => {
  const clauses = clausesOf(readProtocol())
  // One for all faults: each run has rooms and users of its own.
  const shared = new Stage()
  let nats: NatsServer
  let gateway: GatewayProcess
  beforeAll(async () => {
    nats = await startBackend(shared)
    gateway = await shared.gateway(nats, exampleOptions())
  })
  afterAll(() => shared[Symbol.asyncDispose]())

  for (const [what, broken, tamper] of faults) {
    test(`with a fault ${what} fails ${broken.join(', ') || 'nothing'}`, { timeout: 120_000 }, async ({ stage }) => {
      const relay = stage.use(await startFaultyRelay(gateway.url, tamper))
      const target = described([relay.url], nats)
      const results = await runSuite({ target, checks: CHECKS, encodings: ['json'], quick: true })
      const failed = clauseResults(results, clauses).filter(({ kind }) => kind === 'failed')
      expect(
        failed.map(({ clause }) => clause),
        reportText(results, clauses, false),
      ).toEqual(broken)
      expect(exitCodeOf(results)).toBe(broken.length === 0 ? 0 : 1)
    })
  }
})
