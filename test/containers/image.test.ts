// The image alone: what is in it and what is not, and who runs it.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test as plain } from 'vitest'
import { run } from './command.ts'
import { ENGINE_MISSING } from './containers.ts'
import { imageOfTree } from './image.ts'

const BASE = 'node:24-bookworm-slim'
/** What we add to the base image: 27 MB when this was written, of which what records traces takes 20. */
const OWN_BYTES_MAX = 30_000_000
const { version, devDependencies } = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'),
) as { version: string; devDependencies: Record<string, string> }

/** Runs a script in a container as production runs it; resolves with what it printed. */
async function inside(script: string): Promise<unknown> {
  const hardened = [
    '--rm',
    '--read-only',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
    '--network',
    'none',
  ]
  return JSON.parse((await run(['docker', 'run', ...hardened, await imageOfTree(), '--eval', script])).join(''))
}

function dependenciesOf(workspace: string): string[] {
  const manifest = readFileSync(resolve(import.meta.dirname, '../..', workspace, 'package.json'), 'utf8')
  return Object.keys((JSON.parse(manifest) as { dependencies?: object }).dependencies ?? {})
}

interface ImageConfig {
  readonly Size: number
  readonly Config: { readonly User: string; readonly Labels: Record<string, string>; readonly StopSignal?: string }
}

async function inspected(image: string): Promise<ImageConfig> {
  const [found] = JSON.parse((await run(['docker', 'image', 'inspect', image])).join(''))
  return found
}

describe('the image', () => {
  const test = plain.extend(
    'image',
    ({ skip }): Promise<string> => (ENGINE_MISSING === '' ? imageOfTree() : skip(ENGINE_MISSING)),
  )

  test('is small, says what it is, and names its user by number', async ({ image }) => {
    const [own, base] = await Promise.all([inspected(image), inspected(BASE)])
    console.log(`the image has ${own.Size} bytes, ${own.Size - base.Size} of them ours`)
    expect(own.Size - base.Size).toBeLessThan(OWN_BYTES_MAX)
    expect(own.Config).toMatchObject({ User: '1000:1000', StopSignal: 'SIGTERM' })
    expect(own.Config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'Sluice',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': version,
    })
  })

  test('holds what services need and nothing of development, our packages outside of node_modules', async ({
    image: _,
  }) => {
    const found = (await inside(`
      const { readdirSync, realpathSync } = require('node:fs')
      const files = readdirSync('.', { recursive: true }).filter((path) => !path.startsWith('node_modules'))
      console.log(JSON.stringify({
        uid: process.getuid(),
        top: readdirSync('.').sort(),
        tests: files.filter((path) => path.includes('.test.')),
        packages: readdirSync('node_modules'),
        ours: readdirSync('node_modules/@sluice').map((name) => realpathSync('node_modules/@sluice/' + name)),
      }))`)) as { packages: string[] }
    expect(found).toMatchObject({
      uid: 1000,
      top: ['LICENSE', 'gateway', 'node_modules', 'package.json', 'proto', 'router', 'service'],
      tests: [],
      ours: expect.arrayContaining(['/app/proto', '/app/service']),
    })
    // A service may need what development needs, too.
    const ofServices = new Set(['gateway', 'router', 'service', 'proto'].flatMap(dependenciesOf))
    const ofDevelopment = Object.keys(devDependencies).filter((name) => !ofServices.has(name))
    expect(found.packages.filter((name) => ofDevelopment.includes(name))).toEqual([])
  })

  test('runs where nothing can be written, and ends with 2 and every mistake where it is not configured', async ({
    image,
  }) => {
    const written = await inside(`
      const { writeFileSync } = require('node:fs')
      try { writeFileSync('/app/x', ''); console.log('"written"') } catch ({ code }) { console.log(JSON.stringify(code)) }`)
    expect(written).toBe('EROFS')
    const unconfigured = run(['docker', 'run', '--rm', '--read-only', '--network', 'none', image])
    await expect(unconfigured).rejects.toThrow(
      /ended with 2:[\s\S]*The configuration has mistakes[\s\S]*SLUICE_AUTH_SECRET/,
    )
  })
})
