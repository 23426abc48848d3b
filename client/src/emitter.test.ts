import { describe, expect, test } from 'vitest'
import { Emitter } from './emitter.ts'

interface Events {
  message: number
}

function emitter(): { events: Emitter<Events>; faults: unknown[]; heard: unknown[] } {
  const faults: unknown[] = []
  return { events: new Emitter<Events>((fault) => faults.push(fault)), faults, heard: [] }
}

describe('a listener', () => {
  test('that throws, or whose promise fails, is told, and harms no other', async () => {
    const { events, faults, heard } = emitter()
    events.on('message', () => {
      throw new Error('thrown')
    })
    events.on('message', () => Promise.reject(new Error('rejected')))
    events.on('message', (value) => heard.push(value))
    events.emit('message', 1)
    await Promise.resolve()
    await Promise.resolve()
    expect(heard).toEqual([1])
    expect(faults.map(String)).toEqual(['Error: thrown', 'Error: rejected'])
  })

  test('is removed by what `on` has returned, also in the middle of an event', () => {
    const { events, heard } = emitter()
    const removes: (() => void)[] = []
    events.on('message', () => removes[0]?.())
    removes.push(events.on('message', (value) => heard.push(value)))
    events.emit('message', 1)
    expect(heard).toEqual([])
  })

  test('that is added in the middle of an event hears the next', () => {
    const { events, heard } = emitter()
    events.on('message', () => events.on('message', listen))
    const listen = (value: number): void => void heard.push(value)
    events.emit('message', 1)
    events.emit('message', 2)
    expect(heard).toEqual([2])
  })
})
