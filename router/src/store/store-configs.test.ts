import { createPresenceStores } from '@sluice/proto'
import { describe, expect, test } from 'vitest'
import { CONFIG_VERSION, type StreamConfig, storeConfigs, storeUpdate } from './store-configs.ts'

const SETTINGS = { replicas: 1, eventsSeconds: 60, eventsBytesMax: 1_048_576, revokedSeconds: 3600 }
const wanted = (settings = SETTINGS): StreamConfig[] => storeConfigs(createPresenceStores('sluice'), settings, 1000)

describe('a store that is there', () => {
  const [leases, entries] = wanted() as [StreamConfig, StreamConfig, StreamConfig]

  test('stays as it is if it is right, whatever the server adds', () => {
    const present = { ...leases, metadata: { ...leases.metadata, '_nats.level': '1' }, max_bytes: -1, sealed: false }
    expect(storeUpdate(leases, present)).toBeNull()
  })

  test('keeps what is not ours to say, such as where it begins', () => {
    const present = { ...entries, num_replicas: 3, first_seq: 7, placement: { cluster: 'c' } }
    expect(storeUpdate(entries, present)).toMatchObject({ num_replicas: 1, first_seq: 7, placement: { cluster: 'c' } })
  })

  test('is brought up to date if it is of an older release, or says nothing of one', () => {
    expect(storeUpdate(leases, { ...leases, metadata: {} })?.metadata.sluice_config).toBe(`${CONFIG_VERSION}`)
    expect(storeUpdate(leases, { ...leases, metadata: { sluice_config: '0' } })).not.toBeNull()
  })

  test('is left alone if it is of a newer release', () => {
    const newer = { sluice_config: `${CONFIG_VERSION + 1}` }
    expect(storeUpdate(leases, { ...leases, max_age: 1, metadata: newer })).toBeNull()
  })
})
