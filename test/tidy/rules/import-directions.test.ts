import { expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { importDirections } from './import-directions.ts'

function offences(path: string, specifier: string): number {
  return importDirections([sourceFile(path, `import { a } from '${specifier}'\n`)]).length
}

test.each([
  ['gateway/src/session/lane.ts', '../../../proto/src/names.ts'],
  ['gateway/src/session/lane.ts', '../../../router/src/presence/index.ts'],
  ['gateway/src/session/lane.ts', '@sluice/client'],
  ['router/src/router.ts', '@sluice/gateway'],
  ['service/src/log.ts', '@sluice/gateway/src/gateway'],
  ['service/src/log.ts', '@sluice/service/clock'],
  ['client/src/client.ts', '@sluice/service/clock'],
  ['proto/src/names.ts', '@sluice/service/clock'],
  ['deploy/local/main.ts', '@sluice/service/clock'],
  ['gateway/src/session/lane.ts', '../../../service/src/clock.ts'],
  ['client/src/client.ts', 'node:net'],
  ['proto/src/names.ts', 'node:crypto'],
  ['proto/src/names.ts', 'buffer'],
  ['proto/src/names.ts', '@sluice/proto'],
  ['deploy/local/main.ts', '../../gateway/src/config/schema.ts'],
  ['deploy/local/main.ts', '../../test/harness/gateway.ts'],
  ['gateway/src/session/lane.ts', '../gateway.ts'],
  ['gateway/src/gateway.ts', './main.ts'],
  ['gateway/src/session/lane.ts', '../../../test/harness/nats.ts'],
])('an import from %s of %s is an offence', (path, specifier) => {
  expect(offences(path, specifier)).toBe(1)
})

test.each([
  ['gateway/src/session/lane.ts', '@sluice/proto'],
  ['gateway/src/session/lane.ts', '@sluice/service/clock'],
  ['router/src/router.ts', '@sluice/service/metrics/registry'],
  ['service/src/config/namespaces-field.ts', '@sluice/proto'],
  ['service/src/metrics/minute-line.ts', '../log.ts'],
  ['gateway/src/session/lane.ts', './rate.ts'],
  ['gateway/src/session/lane.ts', 'node:crypto'],
  ['gateway/src/main.ts', './gateway.ts'],
  ['gateway/src/backplane/nats.test.ts', '../../../test/harness/nats.ts'],
  ['deploy/local/token.ts', '../../gateway/src/config/local-secret.ts'],
  ['test/integration/rooms.test.ts', '../../gateway/src/gateway.ts'],
  ['proto/src/vectors.test.ts', 'node:fs'],
])('an import from %s of %s is fine', (path, specifier) => {
  expect(offences(path, specifier)).toBe(0)
})
