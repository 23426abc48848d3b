import { roomEntryText } from '@sluice/proto'
import type { WriteResult } from '@sluice/service/jetstream/key-write'
import { Tally } from '@sluice/service/metrics/tally'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { changeItem, createEntryGroup, type EntryGroup } from './entry-group.ts'
import { createEntryWriter } from './entry-writer.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A writer whose writes are answered when the test says so. */
function build() {
  const state = { connected: true, restarts: 0 }
  const writes: { key: string; value: string | null; answer: (result: WriteResult) => void }[] = []
  const stored: EntryGroup[] = []
  const faults: string[] = []
  const tally = new Tally()
  let revision = 100
  const writer = createEntryWriter({
    write: (key, value) => new Promise((answer) => writes.push({ key, value, answer })),
    canWrite: () => state.connected,
    nowMs: () => performance.now(),
    counters: { presenceEntries: tally },
    onRestarted: () => {
      state.restarts++
    },
    onStored: (group) => stored.push(group),
    onFault: (reason) => faults.push(reason),
  })
  const group = (name: string): EntryGroup =>
    createEntryGroup({ keyOf: (instance, chunk) => `${name}.${instance}.${chunk}`, textOf: roomEntryText })
  const change = (group: EntryGroup, item: string, text: string | null): void => {
    if (changeItem(group, item, text)) writer.changed(group)
  }
  const keys = (): string[] => writes.map(({ key }) => key)
  /** Answers all writes so far. */
  async function answer(result?: WriteResult): Promise<void> {
    for (const write of writes.splice(0)) write.answer(result ?? { kind: 'stored', revision: ++revision })
    await vi.advanceTimersByTimeAsync(0)
  }
  return { state, writer, writes, stored, faults, tally, group, change, keys, answer }
}

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms)

describe('changes', () => {
  test('are not written before there is an instance, and all of them then', async () => {
    const { writer, group, change, keys } = build()
    const lobby = group('lobby')
    change(lobby, 'ann', '1')
    await wait(1000)
    expect(keys()).toEqual([])
    writer.restart('gw-1', [lobby])
    await wait(10)
    expect(keys()).toEqual(['lobby.gw-1.0'])
  })

  test('that come alone are written at once, and those that follow together', async () => {
    const { writer, writes, group, change, answer } = build()
    const lobby = group('lobby')
    writer.restart('gw-1', [])
    change(lobby, 'ann', '1')
    await wait(10)
    expect(writes.map(({ value }) => value)).toEqual(['{"v":1,"members":[1]}'])
    await answer()
    for (let n = 2; n < 50; n++) change(lobby, `user-${n}`, `${n}`)
    await wait(100)
    expect(writes).toEqual([])
    await wait(100)
    expect(writes).toHaveLength(1)
  })

  test('wait for the write before them', async () => {
    const { writer, writes, group, change, answer } = build()
    const lobby = group('lobby')
    writer.restart('gw-1', [])
    change(lobby, 'ann', '1')
    await wait(10)
    change(lobby, 'ben', '2')
    await wait(1000)
    expect(writes).toHaveLength(1)
    await answer()
    await wait(10)
    expect(writes.map(({ value }) => value)).toEqual(['{"v":1,"members":[1,2]}'])
  })

  test('of the last member purge the key', async () => {
    const { writer, writes, stored, group, change, answer } = build()
    const lobby = group('lobby')
    writer.restart('gw-1', [])
    change(lobby, 'ann', '1')
    await wait(10)
    await answer()
    change(lobby, 'ann', null)
    await wait(200)
    expect(writes.map(({ key, value }) => [key, value])).toEqual([['lobby.gw-1.0', null]])
    await answer()
    expect(stored).toEqual([lobby, lobby])
    expect(lobby.revisions.size).toBe(0)
  })

  test('of many groups are pipelined within a bound', async () => {
    const { writer, writes, group, change, answer } = build()
    writer.restart('gw-1', [])
    for (let n = 0; n < 600; n++) change(group(`room-${n}`), 'ann', '1')
    await wait(10)
    expect(writes).toHaveLength(256)
    await answer()
    await wait(10)
    expect(writes).toHaveLength(256)
    await answer()
    await wait(10)
    expect(writes).toHaveLength(88)
  })
})

describe('a write that fails', () => {
  test('is repeated, and told', async () => {
    const { writer, writes, faults, tally, group, change, answer } = build()
    const lobby = group('lobby')
    writer.restart('gw-1', [])
    change(lobby, 'ann', '1')
    await wait(10)
    const known = writer.whenStored(lobby)
    await answer({ kind: 'unknown', reason: 'no leader' })
    expect([faults, writer.waiting]).toEqual([['no leader'], 1])
    await wait(600)
    expect(writes).toHaveLength(1)
    await answer()
    await known
    expect(writer.waiting).toBe(0)
    expect(Object.fromEntries(tally.entries())).toEqual({ written: 2, acknowledged: 1, failed: 1 })
    expect([...lobby.revisions]).toEqual([[0, 101]])
  })

  test('is not tried while there is no connection', async () => {
    const { state, writer, writes, group, change } = build()
    writer.restart('gw-1', [])
    state.connected = false
    change(group('lobby'), 'ann', '1')
    await wait(5000)
    expect(writes).toEqual([])
    state.connected = true
    writer.resume()
    await wait(10)
    expect(writes).toHaveLength(1)
  })
})

describe('a restart', () => {
  test('writes everything under the new instance, and is over when all is stored', async () => {
    const { state, writer, writes, keys, group, change, answer } = build()
    const [one, two] = [group('one'), group('two')]
    writer.restart('gw-1', [])
    expect(state.restarts).toBe(1)
    change(one, 'ann', '1')
    change(two, 'ann', '1')
    await wait(10)
    await answer()
    writer.restart('gw-2', [one, two])
    await wait(10)
    expect(keys()).toEqual(['one.gw-2.0', 'two.gw-2.0'])
    const [first] = writes.splice(0, 1)
    first?.answer({ kind: 'stored', revision: 900 })
    await wait(0)
    expect(state.restarts).toBe(1)
    await answer()
    expect(state.restarts).toBe(2)
  })

  test('believes nothing of what was begun before it', async () => {
    const { writer, writes, keys, group, change, answer } = build()
    const lobby = group('lobby')
    writer.restart('gw-1', [])
    change(lobby, 'ann', '1')
    await wait(10)
    writer.restart('gw-2', [lobby])
    const known = writer.whenStored(lobby)
    await answer()
    expect(lobby.revisions.size).toBe(0)
    await wait(10)
    expect(keys()).toEqual(['lobby.gw-2.0'])
    writes[0]?.answer({ kind: 'stored', revision: 7 })
    await known
    expect([...lobby.revisions]).toEqual([[0, 7]])
  })
})
