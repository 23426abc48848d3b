// Reconnect storms: all users talk, and several times all of them lose their sockets in the same second, as when a load balancer is
// restarted. Each must be whole again, with what was published meanwhile. `SOAK_RATE`: messages of each user in a second, default 0.5;
// `SOAK_STORMS`: how many storms, default 2.
import { vu } from 'k6/execution'
import type { Options } from 'k6/options'
import { done, everyoneDone, LOSSLESS, RECOVERS, STAYS_OPEN } from './client/judged.ts'
import { createMember } from './client/member.ts'
import { beginRun, connectsAfterMs, RAMP_MS, REST_MS, type Run, settings, written } from './client/settings.ts'
import { pause, pauseUntil } from './client/waiting.ts'

const STORMS = Number(__ENV.SOAK_STORMS ?? 2)
/** In which all sockets end. */
const SPREAD_MS = 1000

/** What k6 runs, and what must hold. Acknowledgements wait for the return of who publishes: they are not judged here. */
export const options: Options = {
  scenarios: {
    storm: {
      executor: 'per-vu-iterations',
      exec: 'storm',
      vus: settings.vus,
      iterations: 1,
      maxDuration: written(RAMP_MS + settings.durationMs + REST_MS),
    },
  },
  thresholds: { ...LOSSLESS, ...STAYS_OPEN, ...RECOVERS, ...everyoneDone(settings.vus) },
}

/** Called once by k6. */
export const setup: () => Run = beginRun

/** One user. */
export async function storm(run: Run): Promise<void> {
  const number = vu.idInTest
  const room = `${settings.namespace}:storm-${run.id}-${Math.floor((number - 1) / settings.roomSize)}`
  const member = createMember(`storm-${run.id}-${number}`, number, room)
  await pause(connectsAfterMs(number))
  await member.begin()
  await pauseUntil(run.startsAt)
  const talking = talk(() => member.publish(), run)
  for (let storms = 1; storms <= STORMS; storms++) {
    await pauseUntil(run.startsAt + (settings.durationMs * storms) / (STORMS + 1) + Math.random() * SPREAD_MS)
    await member.drop()
  }
  await talking
  await member.settle()
  await member.end()
  done.add(1)
}

async function talk(publish: () => Promise<void>, run: Run): Promise<void> {
  const everyMs = 1000 / (settings.rate || 0.5)
  for (let next = Date.now() + Math.random() * everyMs; next < run.endsAt; next += everyMs) {
    await pauseUntil(next)
    await publish()
  }
  await pauseUntil(run.endsAt)
}
