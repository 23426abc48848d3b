// The order of test files on a machine that has run none yet: vitest begins with the largest, and a small file that waits for minutes would
// end long after all others. Those are named here; the order is all it decides.
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** They take most of a minute or more, and are small. */
const LONG = [
  'test/conformance/faults.test.ts',
  'test/integration/presence-routers.test.ts',
  'test/integration/presence-cut-off.test.ts',
  'test/integration/history-outages.test.ts',
  'test/integration/service-examples.test.ts',
  'test/conformance/conformance.test.ts',
  'test/integration/presence-faults.test.ts',
  'test/integration/history-cluster.test.ts',
  'test/integration/nats-outage.test.ts',
]

/** Given to vitest by its configuration. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((path) => moduleId.endsWith(path))
      return at === -1 ? LONG.length : at
    }
    // What is equal stays as vitest has it.
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}
