// Runs another program to its end and hands back what it printed. For short or bounded commands of the local runner (a
// version, a build, an unpacking); long-lived children belong to the supervisor.
import { execFile } from 'node:child_process'

/** How a command is run. */
export interface RunCommandOptions {
  readonly env?: NodeJS.ProcessEnv
  /** After this the command is killed and counts as failed. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** A command that could not be run or did not succeed. The message names it and quotes the end of what it said. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  /** Whether the program is not there at all. */
  readonly missing: boolean

  constructor(message: string, missing: boolean) {
    super(message)
    this.missing = missing
  }
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const QUOTE_CHARS_MAX = 400

/**
 * Runs a program without a shell.
 *
 * @returns what it wrote to its standard output
 * @throws CommandFailure if it is missing, fails, or takes longer than allowed
 */
export function runCommand(command: string, args: readonly string[], options: RunCommandOptions): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(
    command,
    args,
    {
      encoding: 'utf8',
      timeout: options.timeoutMs,
      maxBuffer: OUTPUT_BYTES_MAX,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    },
    (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ENOENT') reject(new CommandFailure(`${command} is not on the PATH`, true))
      else if (error.killed === true)
        reject(new CommandFailure(`${command} took longer than ${options.timeoutMs / 1000} s`, false))
      else
        reject(
          new CommandFailure(`${command} failed: ${lastWords(stderr) || lastWords(stdout) || error.message}`, false),
        )
    },
  )
  return promise
}

function lastWords(text: string): string {
  const trimmed = text.trim().replaceAll(/\s*\n\s*/g, ' / ')
  return trimmed.length <= QUOTE_CHARS_MAX ? trimmed : `… ${trimmed.slice(-QUOTE_CHARS_MAX)}`
}
