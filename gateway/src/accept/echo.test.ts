import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { echo } from './echo.ts'

class FakePeer extends EventEmitter {
  bufferedAmount = 0
  terminated = false
  readonly sent: unknown[] = []
  send(message: unknown): void {
    this.sent.push(message)
  }
  pong(payload: unknown): void {
    this.sent.push(payload)
  }
  terminate(): void {
    this.terminated = true
  }
}

function build(): FakePeer {
  const peer = new FakePeer()
  echo(peer as unknown as WebSocket)
  return peer
}

describe('the echo', () => {
  test('answers a text with it, and bytes as they are', () => {
    const peer = build()
    peer.emit('message', Buffer.from('Hello'), false)
    peer.emit('message', Buffer.from([1, 2]), true)
    expect(peer.sent).toEqual(['Echo: Hello', Buffer.from([1, 2])])
  })

  test('answers a ping', () => {
    const peer = build()
    peer.emit('ping', Buffer.from('hi'))
    expect(peer.sent).toEqual([Buffer.from('hi')])
  })

  test('ends with a client that does not read', () => {
    const peer = build()
    peer.bufferedAmount = 1024 * 1024 + 1
    peer.emit('message', Buffer.from('Hello'), false)
    expect([peer.terminated, peer.sent]).toEqual([true, []])
  })
})
