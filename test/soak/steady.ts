// Steady load: users in rooms with history who talk for as long as the run takes. What it shows is that nothing is lost, doubled or late while
// nothing happens; run it for hours, and through a rollout. `SOAK_RATE`: messages of each user in a second, default 0.5.
import { vu } from 'k6/execution'
import type { Options } from 'k6/options'
import { ACKNOWLEDGED, DELIVERED, done, everyoneDone, LOSSLESS, STAYS_OPEN } from './client/judged.ts'
import { createMember } from './client/member.ts'
import { beginRun, connectsAfterMs, RAMP_MS, REST_MS, type Run, settings, written } from './client/settings.ts'
import { pause, pauseUntil } from './client/waiting.ts'

/** What k6 runs, and what must hold. */
export const options: Options = {
  scenarios: {
    steady: {
      executor: 'per-vu-iterations',
      exec: 'steady',
      vus: settings.vus,
      iterations: 1,
      maxDuration: written(RAMP_MS + settings.durationMs + REST_MS),
    },
  },
  thresholds: { ...LOSSLESS, ...STAYS_OPEN, ...ACKNOWLEDGED, ...DELIVERED, ...everyoneDone(settings.vus) },
}

/** Called once by k6. */
export const setup: () => Run = beginRun

/** One user. */
export async function steady(run: Run): Promise<void> {
  const number = vu.idInTest
  const room = `${settings.namespace}:steady-${run.id}-${Math.floor((number - 1) / settings.roomSize)}`
  const member = createMember(`steady-${run.id}-${number}`, number, room)
  await pause(connectsAfterMs(number))
  await member.begin()
  const everyMs = 1000 / (settings.rate || 0.5)
  await pauseUntil(run.startsAt + Math.random() * everyMs)
  for (let next = Date.now(); next < run.endsAt; next += everyMs) {
    await pauseUntil(next)
    await member.publish()
  }
  await pauseUntil(run.endsAt)
  await member.settle()
  await member.end()
  done.add(1)
}
