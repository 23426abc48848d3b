// The test suites. Tidy and unit tests run first and side by side; suites that start real processes follow, three files at a time, as most
// of them wait for leases and time-outs. What measures, or loads a machine by itself, runs alone: a busy neighbour is never what a test measures.
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/harness/longest-first.ts'
import { PlainLine } from './test/tidy/plain-line.ts'

const MEASURING = [
  'test/hostile/**/*.test.ts',
  'test/integration/{artillery,big-room,history-storms,leaks,link-chaos,nats-traffic,presence-cost,presence-limits,presence-oracle,rebalance,soak}.test.ts',
]

/** Behind the integration tests, nothing begins before the builds of .ci/run have ended. */
const BUILDS = 'test/harness/builds-ended.ts'

export default defineConfig({
  test: {
    environment: 'node',
    reporters: ['default', new PlainLine()],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'tidy',
          include: ['test/tidy/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{proto,service,gateway,router,client,deploy}/**/*.test.ts',
            'test/{harness,bench,soak}/**/*.test.ts',
          ],
          globalSetup: ['test/harness/nats-server-ready.ts'],
          maxWorkers: 2,
          testTimeout: 15_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'chart',
          include: ['test/chart/**/*.test.ts'],
          setupFiles: [BUILDS],
          testTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 5 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/{integration,conformance,fuzz}/**/*.test.ts'],
          exclude: MEASURING,
          globalSetup: ['test/harness/nats-server-ready.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: MEASURING,
          setupFiles: [BUILDS],
          globalSetup: ['test/harness/nats-server-ready.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'page',
          include: ['test/page/**/*.test.ts'],
          setupFiles: [BUILDS],
          globalSetup: ['test/harness/nats-server-ready.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'containers',
          include: ['test/containers/**/*.test.ts'],
          setupFiles: [BUILDS],
          globalSetup: ['test/containers/engine-ready.ts'],
          // The reaper of testcontainers is an image that would have to be pulled; engine-ready.ts does its work.
          env: { TESTCONTAINERS_RYUK_DISABLED: 'true' },
          testTimeout: 120_000,
          hookTimeout: 400_000,
          maxWorkers: 1,
          sequence: { groupOrder: 4 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          setupFiles: [BUILDS],
          testTimeout: 120_000,
          hookTimeout: 400_000,
          maxWorkers: 1,
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
})
