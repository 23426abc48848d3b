// Churn: users come, say one thing, hear it, and go, at a steady rate of arrivals. What it shows is what comes and goes with a connection:
// signing in, subscriptions, presence. `SOAK_RATE`: arrivals in a second, default 10; `SOAK_VUS`: how many may be here at once.
import { scenario } from 'k6/execution'
import type { Options } from 'k6/options'
import { createChain } from './client/chain.ts'
import { type Connection, complain, connect, type Frame, positionOf } from './client/connection.ts'
import { ACKNOWLEDGED, ackMs, delivered, done, doubled, LOSSLESS, lost, STAYS_OPEN } from './client/judged.ts'
import { beginRun, type Run, settings, written } from './client/settings.ts'
import { pause } from './client/waiting.ts'

const RATE = settings.rate || 10
const ROOMS = Math.max(1, Math.floor(settings.vus / settings.roomSize))
/** One's own message comes with its acknowledgement, or a little later. */
const OWN_MS = 10_000
const POLL_MS = 20

/** What k6 runs, and what must hold. */
export const options: Options = {
  scenarios: {
    churn: {
      executor: 'constant-arrival-rate',
      exec: 'churn',
      rate: RATE,
      timeUnit: '1s',
      duration: written(settings.durationMs),
      preAllocatedVUs: settings.vus,
      maxVUs: settings.vus,
    },
  },
  thresholds: {
    ...LOSSLESS,
    ...STAYS_OPEN,
    ...ACKNOWLEDGED,
    // Nobody is turned away on the way in: a second is what a page may take to be live.
    sluice_refusals: ['count==0'],
    sluice_connect_ms: [`p(95)<${settings.ackP95Ms * 2}`],
    // Arrivals that found all users busy: the cluster did not keep up.
    dropped_iterations: ['count==0'],
    sluice_done: ['count>0'],
  },
}

/** Called once by k6. */
export const setup: () => Run = beginRun

/** One visit. */
export async function churn(run: Run): Promise<void> {
  const visit = scenario.iterationInTest
  const room = `${settings.namespace}:churn-${run.id}-${visit % ROOMS}`
  const chain = createChain()
  let own = false
  function onFrame(frame: Frame): void {
    if (frame.type !== 'message') return
    delivered.add(1)
    const verdict = chain.take(frame)
    if (verdict === 'lost') lost.add(1)
    if (verdict === 'doubled') doubled.add(1)
    if ((frame.data as { visit?: number } | undefined)?.visit === visit) own = true
  }
  const url = settings.urls[visit % settings.urls.length] as string
  const connection = await connect(url, `churn-${run.id}-${visit}`, { onFrame })
  if (connection === null) return
  await connection.ask({ type: 'join', room }, (ok) => chain.stand(positionOf(ok)))
  await speak(connection, { type: 'publish', room, data: { visit } })
  for (const endsAt = Date.now() + OWN_MS; !own && Date.now() < endsAt; ) await pause(POLL_MS)
  if (!own) {
    lost.add(1)
    complain(`visit ${visit}: one's own message did not come`)
  }
  await connection.ask({ type: 'leave', room })
  connection.close()
  await connection.closed
  done.add(1)
}

async function speak(connection: Connection, frame: object): Promise<void> {
  const at = Date.now()
  if ((await connection.ask(frame)) !== null) ackMs.add(Date.now() - at)
}
