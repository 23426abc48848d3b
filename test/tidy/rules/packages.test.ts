import { describe, expect, test } from 'vitest'
import { type SourceFile, sourceFile } from '../source-file.ts'
import { declaredPackages, lockInStep, pinnedVersions } from './packages.ts'

const json = (path: string, value: unknown): SourceFile => sourceFile(path, JSON.stringify(value, null, 2))

const root = {
  name: 'sluice',
  version: '1.0.0',
  workspaces: ['proto', 'gateway'],
  devDependencies: { vitest: '5.0.0', '@types/k6': '2.0.0' },
}
const proto = { name: '@sluice/proto', version: '1.0.0' }
const gateway = { name: '@sluice/gateway', version: '1.0.0', dependencies: { '@sluice/proto': '1.0.0', ws: '8.0.0' } }
const packages = {
  '': root,
  proto,
  gateway,
  'node_modules/@sluice/proto': { resolved: 'proto', link: true },
  'node_modules/vitest': { version: '5.0.0' },
  'node_modules/@types/k6': { version: '2.0.0' },
  'node_modules/ws': { version: '8.0.0' },
}
const manifests = [json('package.json', root), json('proto/package.json', proto), json('gateway/package.json', gateway)]

describe('versions', () => {
  test.each(['^8.0.0', '~8.0.0', '8', 'latest', '*', '>=8.0.0', 'file:../ws'])('%s is not exact', (version) => {
    const manifest = { dependencies: { a: '1.0.0', ws: version } }
    expect(pinnedVersions([json('gateway/package.json', manifest)]).map(({ line }) => line)).toEqual([4])
  })

  test('are exact in a repository that is in order', () => {
    expect(pinnedVersions(manifests)).toEqual([])
  })
})

describe('the lock', () => {
  test('is in step when it says the same', () => {
    expect(lockInStep([...manifests, json('package-lock.json', { packages })])).toEqual([])
  })

  test('is not when package.json has moved on', () => {
    const ahead = { ...gateway, dependencies: { ...gateway.dependencies, ws: '8.1.0' } }
    const offences = lockInStep([json('gateway/package.json', ahead), json('package-lock.json', { packages })])
    expect(offences.map(({ what }) => what)).toEqual(['is ahead of package-lock.json: its dependencies, ws 8.1.0'])
  })

  test('is not when it is missing', () => {
    expect(lockInStep(manifests)).toHaveLength(3)
  })
})

describe('imports', () => {
  test.each([
    ['gateway/src/a.ts', 'jose'],
    ['gateway/src/a.ts', 'vitest'],
    ['proto/src/a.test.ts', 'ws'],
    ['test/integration/a.test.ts', 'ws'],
    ['test/soak/adapter/main.ts', 'k6/metrics'],
  ])('%s may not count on %s being around', (path, name) => {
    expect(declaredPackages([...manifests, sourceFile(path, `import { a } from '${name}'\n`)])).toHaveLength(1)
  })

  test.each([
    ['gateway/src/a.ts', 'ws'],
    ['gateway/src/a.ts', '@sluice/proto/msgpack'],
    ['gateway/src/a.test.ts', 'vitest'],
    ['test/integration/a.test.ts', 'vitest'],
    ['test/integration/a.test.ts', '@sluice/proto'],
    ['deploy/local/main.ts', 'node:path'],
    ['test/soak/steady.ts', 'k6/metrics'],
    ['test/soak/client/member.ts', 'k6/timers'],
  ])('%s may count on %s', (path, name) => {
    expect(declaredPackages([...manifests, sourceFile(path, `import { a } from '${name}'\n`)])).toEqual([])
  })
})
