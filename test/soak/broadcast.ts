// Broadcast: everyone is in one room, in which one user speaks. What it shows is the fan-out: one order for all, at once, however many there are.
// `SOAK_RATE`: messages in a second, default 5.
import { vu } from 'k6/execution'
import type { Options } from 'k6/options'
import { ACKNOWLEDGED, DELIVERED, done, everyoneDone, LOSSLESS, STAYS_OPEN } from './client/judged.ts'
import { createMember } from './client/member.ts'
import { beginRun, connectsAfterMs, RAMP_MS, REST_MS, type Run, settings, written } from './client/settings.ts'
import { pause, pauseUntil } from './client/waiting.ts'

const RATE = settings.rate || 5
/** The rate in which the speaker's messages are spread over time; their count is what everyone must have got. */
const MESSAGES = Math.max(1, Math.floor((settings.durationMs / 1000) * RATE))

/** What k6 runs, and what must hold. */
export const options: Options = {
  scenarios: {
    broadcast: {
      executor: 'per-vu-iterations',
      exec: 'broadcast',
      vus: settings.vus,
      iterations: 1,
      maxDuration: written(RAMP_MS + settings.durationMs + REST_MS),
    },
  },
  thresholds: {
    ...LOSSLESS,
    ...STAYS_OPEN,
    ...ACKNOWLEDGED,
    ...DELIVERED,
    ...everyoneDone(settings.vus),
    // Each message to each user once, the speaker included: fewer are lost, more are doubled.
    sluice_delivered: [`count==${MESSAGES * settings.vus}`],
  },
}

/** Called once by k6. */
export const setup: () => Run = beginRun

/** One user; the first one speaks. */
export async function broadcast(run: Run): Promise<void> {
  const number = vu.idInTest
  const member = createMember(`broadcast-${run.id}-${number}`, number, `${settings.namespace}:broadcast-${run.id}`)
  await pause(connectsAfterMs(number))
  await member.begin()
  await pauseUntil(run.startsAt)
  for (let message = 0; number === 1 && message < MESSAGES; message++) {
    await pauseUntil(run.startsAt + (message * 1000) / RATE)
    await member.publish()
  }
  await pauseUntil(run.endsAt)
  await member.settle()
  await member.end()
  done.add(1)
}
