import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { importHomes } from './import-homes.ts'

function offences(path: string, specifier: string): number {
  return importHomes([sourceFile(path, `import type { a } from '${specifier}'\n`)]).length
}

test.each([
  ['gateway/src/session/connection.ts', 'ws'],
  ['gateway/src/session/connection.ts', 'node:http'],
  ['gateway/src/fanout/rooms.ts', '@nats-io/nats-core'],
  ['gateway/src/accept/upgrade.ts', 'jose'],
  ['gateway/src/session/connection.ts', 'pino'],
  ['gateway/src/metrics/metric-table.ts', 'prom-client'],
  ['gateway/src/admin/readiness.ts', 'node:http'],
  ['router/src/router.ts', '@nats-io/transport-node'],
  ['service/src/metrics/registry.ts', '@nats-io/transport-node'],
  ['proto/src/names.ts', 'zod'],
  ['gateway/src/config/schema.ts', 'zod/mini'],
  ['proto/src/json-codec.ts', 'msgpackr'],
  ['gateway/src/session/connection.ts', 'left-pad'],
  ['deploy/local/main.ts', 'ws'],
])('%s may not import %s', (path, specifier) => {
  expect(offences(path, specifier)).toBe(1)
})

test.each([
  ['gateway/src/accept/upgrade.ts', 'ws'],
  ['gateway/src/backplane/connection.ts', '@nats-io/transport-node'],
  ['service/src/nats/link.ts', '@nats-io/transport-node'],
  ['service/src/log.ts', 'pino'],
  ['service/src/admin/admin-server.ts', 'node:http'],
  ['service/src/config/fields.ts', 'zod'],
  ['router/src/config/config-schema.ts', 'zod'],
  ['proto/src/msgpack.ts', 'msgpackr'],
  ['gateway/src/session/connection.ts', 'node:crypto'],
  ['gateway/src/session/connection.test.ts', 'ws'],
  ['test/integration/rooms.test.ts', 'left-pad'],
])('%s may import %s', (path, specifier) => {
  expect(offences(path, specifier)).toBe(0)
})
