// The configuration file: one JSON object, read whole. Owns what is said when it cannot be read; never shows its text, as it
// may hold secrets.
import { isRecord, type RawConfig } from './raw-config.ts'

/** The environment, as the process has it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The variable that holds the path of the configuration file. */
export const CONFIG_VARIABLE = 'SLUICE_CONFIG'

/** The path of the configuration file, or null where there is none. */
export function configPath(env: Environment): string | null {
  const path = env[CONFIG_VARIABLE]
  return path === undefined || path === '' ? null : path
}

/** Reads a file as UTF-8 text; throws as node:fs does. */
export type ReadFile = (path: string) => string

/** The file's content, or why there is none. */
export type ConfigFileRead =
  | { readonly ok: true; readonly raw: RawConfig }
  | { readonly ok: false; readonly mistake: string }

/** Reads and parses the file; what its fields hold is the schema's business. */
export function readConfigFile(path: string, readFile: ReadFile): ConfigFileRead {
  const text = readText(path, readFile)
  if (!text.ok) return { ok: false, mistake: `${CONFIG_VARIABLE}: ${path} cannot be read (${text.reason})` }
  try {
    const raw: unknown = JSON.parse(text.text)
    if (isRecord(raw)) return { ok: true, raw }
    return { ok: false, mistake: `${CONFIG_VARIABLE}: ${path} must hold one JSON object` }
  } catch (error) {
    return { ok: false, mistake: `${CONFIG_VARIABLE}: ${path} is not JSON${placeOf(error, text.text)}` }
  }
}

/** A file's text, or the system's name for the error. */
export function readText(
  path: string,
  readFile: ReadFile,
): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string } {
  try {
    return { ok: true, text: readFile(path) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return { ok: false, reason: typeof code === 'string' ? code : 'unreadable' }
  }
}

/**
 * Where JSON.parse stopped. V8 says the line in most messages; in "Unexpected token" it quotes the text around the place
 * instead, ten characters to each side, by which the line is found here.
 */
function placeOf(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : ''
  const place = /\(line \d+ column \d+\)$/.exec(message)
  if (place !== null) return ` ${place[0]}`
  const quoted = /^Unexpected token .*?, \.\.\."([\s\S]*?)"(?:\.\.\.)? is not valid JSON$/.exec(message)?.[1]
  const start = quoted === undefined ? -1 : text.indexOf(quoted)
  return start === -1 ? '' : ` (near line ${text.slice(0, start + 10).split('\n').length})`
}
