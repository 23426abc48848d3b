import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { bundleClient } from './page-bundle.ts'

test('the bundle is one file that brings `connect` and imports nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const paths = await Promise.all([bundleClient(folder), bundleClient(folder)])
  expect(new Set(paths).size).toBe(1)
  expect(readdirSync(folder)).toHaveLength(1)
  const path = paths[0] as string
  expect(readFileSync(path, 'utf8')).not.toMatch(/^import /m)
  expect(typeof (await import(pathToFileURL(path).href)).connect).toBe('function')
})
