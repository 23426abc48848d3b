import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { withLock } from './cache-lock.ts'

let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  path = join(folder, 'lock')
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('works under one lock follow each other, and whoever waits is told once', async () => {
  let inside = 0
  let mostInside = 0
  let waits = 0
  const work = async (): Promise<void> => {
    inside++
    mostInside = Math.max(mostInside, inside)
    await new Promise((resolve) => setImmediate(resolve))
    inside--
  }
  await Promise.all([1, 2, 3].map(() => withLock({ path, onWait: () => waits++ }, work)))
  expect(mostInside).toBe(1)
  expect(waits).toBe(2)
  expect(await readdir(folder)).toEqual([])
})

test('work that fails gives the lock back', async () => {
  const failing = withLock({ path, onWait: () => undefined }, () => Promise.reject(new Error('no')))
  await expect(failing).rejects.toThrow('no')
  expect(await readdir(folder)).toEqual([])
})

test('a lock whose holder was killed is taken over', async () => {
  await mkdir(path)
  const longAgo = new Date(Date.now() - 60_000)
  await utimes(path, longAgo, longAgo)
  expect(await withLock({ path, onWait: () => undefined }, async () => 'done')).toBe('done')
  expect(await readdir(folder)).toEqual([])
})

test('waiting ends when it is aborted, and leaves the lock to its holder', async () => {
  await mkdir(path)
  const abort = new AbortController()
  const waiting = withLock({ path, onWait: () => abort.abort(), signal: abort.signal }, async () => 'done')
  await expect(waiting).rejects.toThrow()
  expect(await readdir(folder)).toEqual(['lock'])
})
