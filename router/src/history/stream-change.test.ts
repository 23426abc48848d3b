import { createHistoryStores, GENERATION_METADATA } from '@sluice/proto'
import { configFromTables } from '@sluice/service/config/load-from-tables'
import { describe, expect, test } from 'vitest'
import { routerConfig } from '../config/router-config.ts'
import type { StreamConfig } from '../store/store-configs.ts'
import { HISTORY_CONFIG_VERSION, historyConfigs, SECOND } from './history-configs.ts'
import { decideChange } from './stream-change.ts'

const { stream, source } = createHistoryStores().room('chat')
const wanted = historyConfigs(
  configFromTables(
    routerConfig,
    {},
    { '/config.json': { namespaces: { chat: { history: { messages: 100, seconds: 600 } } } } },
  ),
).get(stream) as StreamConfig
const metadata = { ...wanted.metadata, '_nats.level': '5', [GENERATION_METADATA]: 'g1' }
/** As the server tells one that is as wanted: with fields of its own, and without what is off. */
const present = { ...wanted, metadata, no_ack: undefined, compression: 'none', consumer_limits: {}, sealed: false }
const decide = (settings: object) => decideChange(wanted, { ...present, ...settings }, () => 'new')

describe('a stream of history that is there', () => {
  test('stays as it is if it is right, whatever the server adds', () => {
    expect(decide({})).toEqual({ kind: 'nothing' })
  })

  test('is updated where it differs, and keeps its generation and what is not ours to say', () => {
    const change = decide({ max_msgs_per_subject: 50, allow_direct: false, placement: { tags: ['ssd'] } })
    expect(change).toMatchObject({
      kind: 'update',
      differing: ['max_msgs_per_subject', 'allow_direct'],
      lowered: [],
      settings: {
        max_msgs_per_subject: 100,
        allow_direct: true,
        compression: 'none',
        placement: { tags: ['ssd'] },
        metadata,
      },
    })
  })

  test.each<[object, object]>([
    [{ max_msgs_per_subject: 101 }, { setting: 'messages', before: 101, after: 100 }],
    [{ max_msgs_per_subject: -1 }, { setting: 'messages', before: Number.POSITIVE_INFINITY, after: 100 }],
    [{ max_age: 601 * SECOND }, { setting: 'seconds', before: 601, after: 600 }],
    [{ max_age: 0 }, { setting: 'seconds', before: Number.POSITIVE_INFINITY, after: 600 }],
    [{ num_replicas: 3 }, { setting: 'replicas', before: 3, after: 1 }],
  ])('with %o loses what is beyond the lower limit, which is told with both numbers', (settings, lowered) => {
    expect(decide(settings)).toMatchObject({ kind: 'update', lowered: [lowered] })
  })

  test('loses a bound on the whole stream, by which busy rooms would evict quiet ones', () => {
    expect(decide({ max_bytes: 1_000_000 })).toMatchObject({ kind: 'update', settings: { max_bytes: -1 }, lowered: [] })
  })

  test('without a generation gets one', () => {
    expect(decide({ metadata: wanted.metadata })).toMatchObject({
      kind: 'update',
      settings: { metadata: { [GENERATION_METADATA]: 'new' } },
    })
  })

  test('of an older release is brought up to date; of a newer one it is left alone, with a reason', () => {
    const of = (version: number) => decide({ max_age: 1, metadata: { ...metadata, sluice_config: `${version}` } })
    expect(of(HISTORY_CONFIG_VERSION - 1)).toMatchObject({
      kind: 'update',
      settings: { metadata: { sluice_config: `${HISTORY_CONFIG_VERSION}` } },
    })
    expect(of(HISTORY_CONFIG_VERSION + 1)).toEqual({ kind: 'leave', reason: expect.stringContaining('newer release') })
  })

  test.each<[object, string]>([
    [{ mirror: { name: 'OTHER' } }, 'mirrors'],
    [{ sources: [{ name: 'OTHER' }] }, 'from other streams'],
    [{ subject_transform: { src: source, dest: 'x.>' } }, 'other subjects'],
    [{ sealed: true }, 'sealed'],
    [{ storage: 'memory' }, 'storage is memory, not file'],
    [{ retention: 'interest' }, 'retention is interest'],
    [{ subjects: [source, 'more.*'] }, 'more.*'],
    [{ subjects: ['Sluice.pub.room.chat.*'] }, 'Sluice.pub.room.chat.*'],
  ])('with %o is no history of ours and is refused with a reason', (settings, reason) => {
    expect(decide({ ...settings, max_age: 1 })).toEqual({ kind: 'refuse', reason: expect.stringContaining(reason) })
  })
})
