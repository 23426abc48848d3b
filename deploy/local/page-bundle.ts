// The client library as the local page takes it: one bundle, made at each start from the sources as they are, in milliseconds. Gateways
// serve it beside the page.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const repository = join(import.meta.dirname, '../..')

/** Where gateways in local mode look for it: `LOCAL_BUNDLE` of the gateway's local site. */
const BUNDLE_FOLDER = join(repository, '.sluice/page')
/** Its name in that folder, and on the page. */
const BUNDLE_NAME = 'sluice-client.js'

/**
 * Makes the bundle. Several starts at a time do no harm: each replaces the whole file.
 *
 * @returns its path
 */
export async function bundleClient(folder: string = BUNDLE_FOLDER): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, BUNDLE_NAME)
  const unfinished = `${path}.${randomUUID()}`
  // As a program: called as a library it leaves a process of its own running.
  await promisify(execFile)(join(repository, 'node_modules/.bin/esbuild'), [
    join(repository, 'client/src/connect.ts'),
    '--bundle',
    '--format=esm',
    '--target=es2022',
    '--log-level=error',
    `--outfile=${unfinished}`,
  ])
  await rename(unfinished, path)
  return path
}
