// A headless Chromium for tests of the local page, where the machine has one. Nothing is downloaded, by us or by it.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const FOLDERS = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome']

/** Without a network, without a GPU, and in containers where it runs as root. */
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Why the tests of the page are skipped where there is no browser. */
export const NO_BROWSER = `no browser is here: none of ${NAMES.join(', ')} on the PATH`

/** The path of a browser; null if there is none. */
export function findBrowser(): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...FOLDERS].filter((folder) => folder !== '')
  for (const path of folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here; the next place may have one.
    }
  }
  return null
}

/** Starts the browser. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGS, timeout: 30_000 })
}
