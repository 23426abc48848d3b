import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { diffConfig } from './config-diff.ts'
import type { ConfigLoad } from './load-config.ts'
import { decideReload, type Reload, startReload } from './reload.ts'
import { configOf, type SampleConfig, sampleConfig } from './sample-config.ts'

const { fields } = sampleConfig
const running = configOf({})

function changed(file: Record<string, unknown>): SampleConfig {
  return configOf({}, { '/config.json': file })
}

describe('a changed configuration', () => {
  test('is taken over if only live fields differ', () => {
    const config = changed({ namespaces: { chat: {} }, log: { level: 'debug' } })
    expect(decideReload(fields, running, { ok: true, config })).toEqual({
      kind: 'changed',
      config,
      changed: ['log.level', 'namespaces'],
    })
  })

  test('is refused whole if anything else differs, by the name of what needs a restart', () => {
    const config = changed({ namespaces: { chat: {} }, shop: { port: 1 }, nats: { prefix: 'other' } })
    expect(decideReload(fields, running, { ok: true, config })).toEqual({
      kind: 'refused',
      mistakes: [
        'SLUICE_NATS_PREFIX (nats.prefix) has changed, which needs a restart',
        'SLUICE_SHOP_PORT (shop.port) has changed, which needs a restart',
      ],
    })
  })

  test('is refused whole if it has a mistake', () => {
    const mistakes = ['SLUICE_LOG_LEVEL …']
    expect(decideReload(fields, running, { ok: false, mistakes })).toEqual({ kind: 'refused', mistakes })
  })

  test('that says the same in other words is no change', () => {
    const config = changed({ namespaces: { default: { echo: true } }, log: { level: 'info' } })
    expect(decideReload(fields, running, { ok: true, config })).toEqual({ kind: 'unchanged' })
  })

  test('is no change if only the other tier reads what differs', () => {
    const config = changed({ kitchen: { stoves: 4 }, garden: {} })
    expect(decideReload(fields, running, { ok: true, config })).toEqual({ kind: 'unchanged' })
  })

  test('never shows a changed secret', () => {
    const after = configOf({ SLUICE_SHOP_KEY: 'hushhush' })
    const { live, restart } = diffConfig(fields, running, after)
    expect([live, restart.map(({ path }) => path)]).toEqual([[], ['shop.key']])
    expect(JSON.stringify(decideReload(fields, running, { ok: true, config: after }))).not.toContain('hush')
  })
})

describe('a reload', () => {
  let folder: string
  let reload: Reload | null
  let loaded: ConfigLoad<SampleConfig>
  let loads: number
  const onChange = vi.fn<(config: SampleConfig, paths: readonly string[]) => void>()
  const onRefused = vi.fn<(mistakes: readonly string[]) => void>()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-reload-'))
    reload = null
    loaded = { ok: true, config: running }
    loads = 0
    onChange.mockClear()
    onRefused.mockClear()
  })

  afterEach(() => {
    reload?.stop()
    rmSync(folder, { recursive: true })
  })

  function start(path: string | null): Reload {
    const load = (): ConfigLoad<SampleConfig> => {
      loads += 1
      return loaded
    }
    reload = startReload({ fields, path, config: running, load, onChange, onRefused, intervalMs: 5 })
    return reload
  }

  function writeVersion(version: string): void {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'config.json'), '{}')
    symlinkSync(version, join(folder, 'data.next'))
    renameSync(join(folder, 'data.next'), join(folder, '..data'))
  }

  test('takes over what changed between the start and the first look', async () => {
    const path = join(folder, 'config.json')
    writeFileSync(path, '{}')
    loaded = { ok: true, config: changed({ log: { level: 'debug' } }) }
    start(path)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce())
  })

  test('follows a link that is replaced above the file, as in a mounted ConfigMap', async () => {
    writeVersion('v1')
    symlinkSync(join('..data', 'config.json'), join(folder, 'config.json'))
    start(join(folder, 'config.json'))
    await vi.waitFor(() => expect(loads).toBe(1))
    expect(onChange).not.toHaveBeenCalled()

    const next = changed({ namespaces: { chat: {} } })
    loaded = { ok: true, config: next }
    writeVersion('v2')
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledExactlyOnceWith(next, ['namespaces']))
  })

  test('tells a refused change once, and takes the next good one', async () => {
    const path = join(folder, 'config.json')
    writeFileSync(path, '{}')
    start(path)
    await vi.waitFor(() => expect(loads).toBe(1))

    loaded = { ok: false, mistakes: ['a mistake'] }
    writeFileSync(path, '{"a":1}')
    await vi.waitFor(() => expect(onRefused).toHaveBeenCalledWith(['a mistake']))
    const told = onRefused.mock.calls.length

    const next = changed({ log: { level: 'debug' } })
    loaded = { ok: true, config: next }
    writeFileSync(path, '{"log":{"level":"debug"}}')
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledExactlyOnceWith(next, ['log.level']))
    expect(onRefused).toHaveBeenCalledTimes(told)
  })

  test('goes on as before while the file is gone', async () => {
    const path = join(folder, 'config.json')
    writeFileSync(path, '{}')
    start(path)
    await vi.waitFor(() => expect(loads).toBe(1))
    rmSync(path)
    loaded = { ok: true, config: changed({ log: { level: 'debug' } }) }
    writeFileSync(join(folder, 'next'), '{"log":{"level":"debug"}}')
    renameSync(join(folder, 'next'), path)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce())
    expect(onRefused).not.toHaveBeenCalled()
  })

  test('loads at once when it is told to, also without a file', () => {
    const { check } = start(null)
    loaded = { ok: true, config: changed({ log: { level: 'debug' } }) }
    check()
    expect(onChange).toHaveBeenCalledOnce()
    check()
    expect(onChange).toHaveBeenCalledOnce()
  })

  test('says nothing after it was stopped', () => {
    const { check, stop } = start(null)
    loaded = { ok: false, mistakes: ['a mistake'] }
    stop()
    check()
    expect(onRefused).not.toHaveBeenCalled()
  })
})
