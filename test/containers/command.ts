// Commands of an operator (docker, git, compose), run to their end.
import { type ChildOptions, startChild } from '../harness/child.ts'
import { within } from '../harness/until.ts'

/** What may be said of a command. */
export interface CommandOptions extends Pick<ChildOptions, 'cwd'> {
  /** Beside PATH and HOME. */
  readonly env?: NodeJS.ProcessEnv
  /** Default 60,000. */
  readonly timeoutMs?: number
}

/**
 * Runs a command.
 *
 * @returns its lines, of both outputs
 * @throws Error with what it said, if it fails or takes too long
 */
export async function run(
  [command, ...args]: readonly [string, ...string[]],
  { env = {}, timeoutMs = 60_000, ...options }: CommandOptions = {},
): Promise<string[]> {
  const child = startChild({
    command,
    args,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    ...options,
  })
  const what = `the end of ${command} ${args.join(' ')}`
  const { code } = await within(timeoutMs, what, child.exited).catch(async (error) => {
    await child.kill()
    throw error
  })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${child.lines.join('\n')}`)
  return [...child.lines]
}
