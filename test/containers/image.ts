// The images under test: of this tree, and of the release before it. Built with the docker command, as an operator does it; the builder's
// cache makes a second build a matter of seconds.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run } from './command.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const BUILD_MS = 300_000

/**
 * The subject of the last commit of the release before this one, which is what a rolling upgrade meets: a subject outlives a history that
 * was written anew, a hash does not. It had no Dockerfile yet, so it is built with ours.
 */
const RELEASE_BEFORE = 'Tell faults of ours apart from a history that is away'

/** Why there may be no image of the release before. */
export const RELEASE_BEFORE_MISSING = `the history of this clone has no commit “${RELEASE_BEFORE}”: git fetch --unshallow`

/** Builds the image of this tree, once for each process; resolves with its name. */
export function imageOfTree(): Promise<string> {
  tree ??= build(ROOT, 'sluice:containers-test')
  return tree
}
let tree: Promise<string> | undefined

/**
 * Builds the image of the release before.
 *
 * @returns its name, or null where {@link RELEASE_BEFORE_MISSING} says why not
 */
export async function imageOfReleaseBefore(): Promise<string | null> {
  const find = ['git', 'log', '-1', '--format=%H', '--fixed-strings', `--grep=${RELEASE_BEFORE}`] as const
  const [commit = ''] = await run(find, { cwd: ROOT }).catch(() => [])
  if (commit === '') return null
  const folder = mkdtempSync(join(tmpdir(), 'sluice-release-'))
  try {
    const archive = join(folder, 'tree.tar')
    const source = join(folder, 'tree')
    mkdirSync(source)
    await run(['git', 'archive', '--output', archive, commit], { cwd: ROOT })
    await run(['tar', '-xf', archive, '-C', source])
    for (const file of ['Dockerfile', '.dockerignore']) copyFileSync(join(ROOT, file), join(source, file))
    return await build(source, 'sluice:containers-test-before')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** With the network of this machine, so that npm inside reaches what it reaches here. */
async function build(folder: string, name: string): Promise<string> {
  await run(['docker', 'build', '--quiet', '--network', 'host', '--tag', name, folder], { timeoutMs: BUILD_MS })
  return name
}
