import { expect, test } from 'vitest'
import { formatAnnouncement } from './announcement.ts'

const common = {
  seconds: 1.234,
  processes: [{ name: 'gateway-1', addresses: ['http://localhost:8080', 'ws://localhost:8080/ws'] }],
  socketUrl: 'ws://localhost:8080/ws',
  pageUrl: 'http://localhost:8080/',
}

test('it tells the addresses, both tokens, and a snippet that signs in with the first', () => {
  const tokens = [
    { user: 'alice', token: 'aaa.bbb.ccc' },
    { user: 'bob', token: 'ddd.eee.fff' },
  ]
  const text = formatAnnouncement({ ...common, tokens })
  for (const part of ['ready (1.2 s)', 'http://localhost:8080/', 'alice', 'bob', '\nddd.eee.fff\n']) {
    expect(text).toContain(part)
  }
  expect(text).toContain("new WebSocket('ws://localhost:8080/ws?token=aaa.bbb.ccc')")
})

test('where other keys check the tokens it prints none', () => {
  expect(formatAnnouncement({ ...common, tokens: [] })).not.toContain('token=')
})
