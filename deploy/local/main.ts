// `npm start`: options, signals and the exit code of a local run; nothing else.
import { EXIT_MISTAKE, type LocalRun, REPOSITORY, startLocalRun } from './local-run.ts'
import { type Options, parseOptions } from './options.ts'

/**
 * npm passes a Ctrl-C on that the terminal has sent to this process already, so two signals at once are one wish. A person
 * takes longer to press the key again.
 */
const SAME_WISH_MS = 400

async function main(options: Options): Promise<void> {
  // A terminal that goes away closes our output before it tells us; the lines are lost, the orderly stop must not be.
  process.stdout.on('error', () => undefined)
  const run = startLocalRun(options, {
    env: process.env,
    write: (text) => process.stdout.write(text),
    colors: process.stdout.isTTY === true && process.env.NO_COLOR === undefined,
  })
  stopOnSignals(run)
  process.exitCode = await run.ended
}

function stopOnSignals(run: LocalRun): void {
  let firstAt: number | null = null
  const onSignal = (): void => {
    const now = performance.now()
    if (firstAt === null) {
      firstAt = now
      run.stop()
    } else if (now - firstAt > SAME_WISH_MS) {
      run.kill()
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
}

const parsed = parseOptions(process.argv.slice(2), REPOSITORY)
if (parsed.kind === 'options') {
  await main(parsed.options)
} else if (parsed.kind === 'help') {
  process.stdout.write(`${parsed.text}\n`)
} else {
  process.stderr.write(`${parsed.text}\n`)
  process.exitCode = EXIT_MISTAKE
}
