import { createSubjects, encodeControlAnswer, type GatewayId, type Live } from '@sluice/proto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ASK_UNKNOWN_MS, ASK_WAIT_MS, type AskOptions, askGateways } from './ask-gateways.ts'

const CONTROL = { verb: 'disconnect', id: 'a', user: 'ann' as never, reason: '' } as const
const live = (...ids: string[]): Live[] =>
  ids.map((id) => ({ instance: id, value: { gateway: id } }) as unknown as Live)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function build(gateways: readonly Live[], connected = true) {
  const said: string[] = []
  let hear: (message: never) => void = () => undefined
  let open = 0
  const options: AskOptions = {
    nats: {
      publish: (subject) => said.push(subject) > 0 && connected,
      subscribe: (_, deliver) => {
        hear = deliver
        open++
        return { denied: false, unsubscribe: () => void open-- }
      },
      inbox: () => 'inbox',
    },
    subjects: createSubjects('sluice'),
    gateways: () => gateways,
  }
  return {
    said,
    options,
    get open() {
      return open
    },
    answer(connections: number, gateway?: string, code?: 'unavailable') {
      const fields = gateway === undefined ? {} : { gateway: gateway as GatewayId }
      const text = encodeControlAnswer({ connections, ...fields, ...(code === undefined ? {} : { code }) })
      hear({ data: Buffer.from(text) } as never)
    },
    nobody: () => hear({ data: Buffer.alloc(0), headers: { code: 503 } } as never),
  }
}

describe('asking all gateways', () => {
  test('ends when all that live have answered, and adds them up', async () => {
    const built = build(live('a', 'b'))
    const asked = askGateways(CONTROL, null, built.options)
    built.answer(2, 'a')
    built.answer(5, 'a')
    built.answer(0, 'b')
    expect(await asked).toMatchObject({ connections: 2, gateways: 1, silent: 0, nobody: false })
    expect([built.said, built.open]).toEqual([['sluice.ctl.all'], 0])
  })

  test('counts who lives and is silent, or could not', async () => {
    const built = build(live('a', 'b', 'c'))
    const asked = askGateways(CONTROL, null, built.options)
    built.answer(1, 'a')
    built.answer(0, 'b', 'unavailable')
    vi.advanceTimersByTime(ASK_WAIT_MS)
    expect(await asked).toMatchObject({ connections: 1, silent: 2 })
  })

  test('takes one that does not name itself for one of those that live', async () => {
    const built = build(live('a', 'b'))
    const asked = askGateways(CONTROL, null, built.options)
    built.answer(1, 'a')
    built.answer(1)
    expect(await asked).toMatchObject({ connections: 2, silent: 0 })
  })

  test('without any lease waits a moment for whoever is there', async () => {
    const built = build([])
    const asked = askGateways(CONTROL, null, built.options)
    built.answer(1, 'a')
    built.answer(1, 'b')
    vi.advanceTimersByTime(ASK_UNKNOWN_MS)
    expect(await asked).toMatchObject({ connections: 2, gateways: 2, silent: 0 })
  })
})

describe('asking one gateway', () => {
  test('asks nobody else, and learns at once that there is none', async () => {
    const built = build(live('a', 'b'))
    const asked = askGateways(CONTROL, 'gone' as GatewayId, built.options)
    built.nobody()
    expect(await asked).toMatchObject({ connections: 0, silent: 0, nobody: true })
    expect([built.said, built.open]).toEqual([['sluice.ctl.gateway.gone'], 0])
  })

  test('while NATS is away comes to nothing', async () => {
    const built = build(live('a'), false)
    expect(await askGateways(CONTROL, 'a' as GatewayId, built.options)).toBeNull()
    expect(built.open).toBe(0)
  })
})
