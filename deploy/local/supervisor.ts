// Keeps the processes of a local run alive and stops them in order: services first, so that they can say goodbye through
// NATS, then the broker. Owns the children and the leash; says nothing to a terminal itself.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Child, type ChildHooks, type ChildSpec, type Death } from './child.ts'

/** A child with its place in the order of stopping. */
export interface SupervisedSpec extends ChildSpec {
  readonly tier: 'broker' | 'service'
  /** How long it may take to stop before it is killed. */
  readonly graceMs: number
}

/** Who is told what, and the waiting times. */
export interface SupervisorOptions {
  readonly onLine: (name: string, line: string) => void
  /** A process died without being told to; it is started again after `restartMs`. */
  readonly onDeath: (name: string, death: Death) => void
  /** A process did not stop in time and was killed. */
  readonly onKill: (name: string) => void
  /** Default 1000. */
  readonly restartMs?: number
}

/** Starts and stops processes. */
export interface Supervisor {
  /** Starts a process that is kept alive from now on. */
  start(spec: SupervisedSpec): void
  /** Stops all and resolves when nothing is left. Nothing can be started afterwards. */
  stop(): Promise<void>
  /** Kills all at once, also while they are being stopped; the promise of {@link Supervisor.stop} then resolves soon. */
  kill(): void
}

/** Builds a {@link Supervisor}. */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { onLine, onDeath, onKill, restartMs = 1_000 } = options
  const children: { readonly spec: SupervisedSpec; readonly child: Child }[] = []
  const leash = startLeash()
  const hooks: ChildHooks = {
    onLine,
    onDeath,
    restartMs,
    onStart: (_name, pid) => leash.hold(pid),
    onEnd: (_name, pid) => leash.release(pid),
  }
  let over = false

  const stopTier = async (tier: SupervisedSpec['tier']): Promise<void> => {
    const ofTier = children.filter(({ spec }) => spec.tier === tier)
    await Promise.all(
      ofTier.map(async ({ spec, child }) => {
        if (!(await child.stop(spec.graceMs))) onKill(spec.name)
      }),
    )
  }

  return {
    start(spec) {
      if (over) return
      const child = new Child(spec, hooks)
      children.push({ spec, child })
      child.start()
    },
    async stop() {
      over = true
      await stopTier('service')
      await stopTier('broker')
      leash.end()
    },
    kill() {
      over = true
      for (const { child } of children) child.kill()
    },
  }
}

interface Leash {
  hold(pid: number): void
  release(pid: number): void
  end(): void
}

/** See leash.ts. Everything here is best effort: a run without its leash is whole, only an unclean death of the runner is not. */
function startLeash(): Leash {
  const leash = spawn(process.execPath, [join(import.meta.dirname, 'leash.ts')], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  leash.on('error', () => undefined)
  leash.stdin.on('error', () => undefined)
  leash.unref()
  return {
    hold: (pid) => leash.stdin.write(`+${pid}\n`),
    release: (pid) => leash.stdin.write(`-${pid}\n`),
    end: () => leash.stdin.end(),
  }
}
