// Runs once before the suites that start real processes: where no nats-server is at hand it is fetched here, saying so, and
// not inside the first test that needs it, whose time would run out.
import { findNatsServer, NATS_CACHE_DIR } from '../../deploy/local/nats-server.ts'

/** Called by vitest before the first test file of a suite; see `globalSetup` in vitest.config.ts. */
export async function setup(): Promise<void> {
  await findNatsServer({ cacheDir: NATS_CACHE_DIR, say: (sentence) => console.log(sentence) })
}
