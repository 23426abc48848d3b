import { configFromTables } from '@sluice/service/config/load-from-tables'
import { describe, expect, test } from 'vitest'
import { routerConfig } from '../config/router-config.ts'
import { historyConfigs, SECOND } from './history-configs.ts'

const streamsOf = (file: object, env = {}) =>
  historyConfigs(configFromTables(routerConfig, env, { '/config.json': file }))

describe('the streams of history', () => {
  test('are one for each namespace that has history, and one for inboxes that have', () => {
    const history = { messages: 10, seconds: 600 }
    expect([...streamsOf({ namespaces: { chat: { history }, plain: {}, Desk: { history } } }).keys()]).toEqual([
      'SLUICE_HISTORY_chat',
      'SLUICE_HISTORY_Desk',
    ])
    expect([...streamsOf({ inbox: { history } }).keys()]).toEqual(['SLUICE_INBOX'])
    expect(streamsOf({ inbox: { history: false } }).size).toBe(0)
    expect(streamsOf({}).size).toBe(0)
  })

  test('keep what the configuration says, and nothing of one room goes because of another', () => {
    const file = {
      namespaces: { chat: { history: { messages: 10, seconds: 600 } } },
      limits: { payloadBytesMax: 4096 },
    }
    const stream = streamsOf(file, { SLUICE_ROUTER_REPLICAS: '3', SLUICE_NATS_PREFIX: 'dev' }).get('DEV_HISTORY_chat')
    expect(stream).toMatchObject({
      subjects: ['dev.pub.room.chat.*'],
      republish: { src: 'dev.pub.room.chat.*', dest: 'dev.live.room.chat.{{wildcard(1)}}' },
      storage: 'file',
      num_replicas: 3,
      max_msgs_per_subject: 10,
      max_age: 600 * SECOND,
      max_msgs: -1,
      max_bytes: -1,
      max_msg_size: 4096 + 16_384,
      allow_direct: true,
      allow_rollup_hdrs: false,
    })
  })

  test.each([
    [1, 1],
    [119, 119],
    [120, 120],
    [121, 120],
  ])('that keep messages for %i s know a message id again for %i s', (seconds, expected) => {
    const stream = streamsOf({ inbox: { history: { messages: 1, seconds } } }).get('SLUICE_INBOX')
    expect(stream?.duplicate_window).toBe(expected * SECOND)
  })
})
