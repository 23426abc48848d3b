import { describe, expect, test } from 'vitest'
import { importsOf, packageOf } from './imports.ts'
import { sourceFile } from './source-file.ts'

describe('the imports of a file', () => {
  test('are found in every form, with their lines', () => {
    const file = sourceFile(
      'gateway/src/session/lane.ts',
      `import type { A } from './a.ts'
import {
  b,
} from "../b.ts"
import './c.ts'
export * from '@sluice/proto'
const d = await import('ws')
type E = import('jose').JWK
`,
    )
    expect(importsOf(file)).toEqual([
      { specifier: './a.ts', target: 'gateway/src/session/a.ts', line: 1, reExport: false },
      { specifier: '../b.ts', target: 'gateway/src/b.ts', line: 2, reExport: false },
      { specifier: './c.ts', target: 'gateway/src/session/c.ts', line: 5, reExport: false },
      { specifier: '@sluice/proto', target: null, line: 6, reExport: true },
      { specifier: 'ws', target: null, line: 7, reExport: false },
      { specifier: 'jose', target: null, line: 8, reExport: false },
    ])
  })

  test('are not found in comments, strings and templates', () => {
    const file = sourceFile('a.ts', "// import 'x'\nconst a = \"import 'y'\"\nconst b = `import 'z' from 'w'`\n")
    expect(importsOf(file)).toEqual([])
  })

  test('belong to packages', () => {
    expect(packageOf('@nats-io/nats-core/internal')).toBe('@nats-io/nats-core')
    expect(packageOf('zod/mini')).toBe('zod')
    expect(packageOf('ws')).toBe('ws')
  })
})
