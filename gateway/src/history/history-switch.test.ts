import { inboxSchema, namespacesSchema } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { settled } from '../../../test/harness/request-fakes.ts'
import { createHistorySwitch, wantsHistory } from './history-switch.ts'
import type { RunningHistory } from './start-history.ts'

const HISTORY = { messages: 10, seconds: 60 }
const OFF = { namespaces: namespacesSchema.parse({ default: {} }), inbox: inboxSchema.parse({ history: false }) }
const ROOMS = { ...OFF, namespaces: namespacesSchema.parse({ chat: { history: HISTORY } }) }
const INBOX = { ...OFF, inbox: inboxSchema.parse({ history: HISTORY }) }

function build() {
  let starts = 0
  let begin: (running: RunningHistory | null) => void = () => undefined
  const applied: string[] = []
  const running = { streamsSeen: false, apply: () => void applied.push('applied') }
  const history = createHistorySwitch(() => {
    starts++
    return new Promise((resolve) => {
      begin = resolve
    })
  })
  return {
    history,
    running,
    applied,
    begin: (there = true) => begin(there ? (running as unknown as RunningHistory) : null),
    starts: () => starts,
  }
}

describe('history', () => {
  test('is wanted by a namespace or by inboxes', () => {
    expect([OFF, ROOMS, INBOX].map(wantsHistory)).toEqual([false, true, true])
  })

  test('stays off, and needs no stream, while nothing wants it', async () => {
    const { history, starts } = build()
    await history.apply(OFF)
    expect([starts(), history.running, history.readiness]).toEqual([0, null, null])
  })

  test('begins once, is not ready before it runs and has seen its streams, and is told of later changes', async () => {
    const { history, running, applied, begin, starts } = build()
    const first = history.apply(INBOX)
    const second = history.apply(ROOMS)
    expect([history.running, history.readiness]).toEqual([null, { streamsSeen: false }])
    begin()
    await Promise.all([first, second])
    expect([starts(), applied, history.running]).toEqual([1, ['applied'], running])
    running.streamsSeen = true
    expect(history.readiness).toEqual({ streamsSeen: true })
    await history.apply(OFF)
    expect([starts(), applied.length, history.running]).toEqual([1, 2, running])
  })

  test('that was told to stop while it began does not run', async () => {
    const { history, begin } = build()
    const done = history.apply(ROOMS)
    begin(false)
    await done
    await settled()
    expect(history.running).toBeNull()
    await history.apply(ROOMS)
  })
})
