// Where the optional peers come from: packages of npm and programs of Go at pinned versions, into the repository's ignored folder, the
// first time that a run wants them. What cannot be had is an error whose sentence is the reason in the report.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PEERS_FOLDER } from '../peers/require-of-peers.ts'

const run = promisify(execFile)
const INSTALL_MS = 600_000

/** uWebSockets.js is not on npm under its own name: this package carries its builds, at its version. */
const PACKAGES: Readonly<Record<string, string>> = {
  '@btc-vision/uwebsockets.js': '20.57.0',
  '@socket.io/redis-adapter': '8.3.0',
  redis: '6.3.1',
  'socket.io': '4.8.4',
}
const CENTRIFUGO = 'github.com/centrifugal/centrifugo/v6@v6.9.1'
/** Names the file that says which versions are installed. */
const STAMP = join(PEERS_FOLDER, 'installed.json')

let packages: Promise<void> | null = null

/**
 * Installs the packages of peers, once for a run.
 *
 * @throws Error if npm cannot
 */
export function findPackages(say: (sentence: string) => void): Promise<void> {
  packages ??= installPackages(say)
  return packages
}

async function installPackages(say: (sentence: string) => void): Promise<void> {
  const wanted = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`)
  if (existsSync(STAMP)) return
  say('installing the packages of peers')
  mkdirSync(PEERS_FOLDER, { recursive: true })
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    await run('npm', ['install', '--prefix', PEERS_FOLDER, ...quiet, ...wanted], { timeout: INSTALL_MS })
  } catch (cause) {
    throw new Error('npm could not install it', { cause })
  }
  writeFileSync(STAMP, JSON.stringify(PACKAGES))
}

/**
 * Finds Centrifugo: what SLUICE_BENCH_CENTRIFUGO names, on the PATH, in the folder of peers, or built by Go.
 *
 * @throws Error where there is none and no Go
 */
export async function findCentrifugo(say: (sentence: string) => void): Promise<string> {
  const given = process.env.SLUICE_BENCH_CENTRIFUGO
  if (given !== undefined) return given
  const built = join(PEERS_FOLDER, 'bin', 'centrifugo')
  if (existsSync(built)) return built
  if (await answers('centrifugo', 'version')) return 'centrifugo'
  if (!(await answers('go', 'version'))) throw new Error('no centrifugo is here, and no Go to build it')
  say('building Centrifugo, which takes some minutes')
  try {
    await run('go', ['install', CENTRIFUGO], {
      timeout: INSTALL_MS,
      env: { ...process.env, GOBIN: join(PEERS_FOLDER, 'bin') },
    })
  } catch (cause) {
    throw new Error('Go could not build it', { cause })
  }
  return built
}

/**
 * Finds Redis.
 *
 * @throws Error where there is none
 */
export async function findRedis(): Promise<string> {
  if (await answers('redis-server', '--version')) return 'redis-server'
  throw new Error('no redis-server is on the PATH')
}

async function answers(program: string, argument: string): Promise<boolean> {
  try {
    await run(program, [argument])
    return true
  } catch {
    // Not there, or not for this machine: both mean that the peer is skipped.
    return false
  }
}
