// Downloads one file and keeps it only if its SHA-256 is the expected one. It never unpacks and never retries: the caller
// has other sources.
import { createHash } from 'node:crypto'
import { open, rm } from 'node:fs/promises'

/** What to download and what it must be. */
export interface DownloadOptions {
  readonly url: string
  /** Where the file is written; it is removed again if anything goes wrong. */
  readonly file: string
  /** Lower-case hexadecimal. */
  readonly sha256: string
  /** Until the answer's head has arrived, redirects included. Default 5000: without a network this must not feel like a hang. */
  readonly connectMs?: number
  /** Longest pause between two pieces of the body. Default 15000. */
  readonly stallMs?: number
  /** Default 100 MiB; a nats-server archive has 8. */
  readonly bytesMax?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Fetches a file over HTTP.
 *
 * @throws Error whose message says what failed: no connection, another status than 200, a stall, too many bytes, or another
 * checksum
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { url, file, sha256, connectMs = 5_000, stallMs = 15_000, bytesMax = 100 * 1024 * 1024 } = options
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(new Error(`no answer within ${connectMs / 1000} s`)), connectMs)
  const signal = options.signal === undefined ? patience.signal : AbortSignal.any([options.signal, patience.signal])
  try {
    const response = await fetch(url, { signal })
    if (response.status !== 200 || response.body === null) throw new Error(`the server answered ${response.status}`)
    clearTimeout(timer)
    const actual = await save(response.body, { file, stallMs, bytesMax, patience })
    if (actual !== sha256)
      throw new Error(`the file's SHA-256 is ${actual}, expected was ${sha256}; it was thrown away`)
  } catch (error) {
    await rm(file, { force: true })
    throw new Error(reason(error, patience.signal), { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

interface SaveOptions {
  readonly file: string
  readonly stallMs: number
  readonly bytesMax: number
  readonly patience: AbortController
}

/** Writes the body to the file and returns the SHA-256 of what was written. */
async function save(
  body: ReadableStream<Uint8Array>,
  { file, stallMs, bytesMax, patience }: SaveOptions,
): Promise<string> {
  const hash = createHash('sha256')
  const target = await open(file, 'w')
  const stall = setTimeout(() => patience.abort(new Error(`nothing came for ${stallMs / 1000} s`)), stallMs)
  try {
    let bytes = 0
    for await (const chunk of body) {
      stall.refresh()
      bytes += chunk.byteLength
      if (bytes > bytesMax) throw new Error(`more than ${bytesMax} bytes`)
      hash.update(chunk)
      await target.writeFile(chunk)
    }
  } finally {
    clearTimeout(stall)
    await target.close()
  }
  return hash.digest('hex')
}

/** `fetch` hides why it failed in `cause`; our own time limits abort with a reason that says it better. */
function reason(error: unknown, patience: AbortSignal): string {
  if (patience.aborted && patience.reason instanceof Error) return patience.reason.message
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}
