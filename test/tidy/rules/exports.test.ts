import { describe, expect, test } from 'vitest'
import { sourceFile } from '../source-file.ts'
import { barrels, defaultExports, docComments } from './exports.ts'

describe('doc comments', () => {
  test.each(['const a = 1', 'function a() {}', 'async function a() {}', 'class A {}', 'interface A {}', 'type A = 1'])(
    'export %s needs one',
    (declaration) => {
      const bad = sourceFile('gateway/src/a.ts', `// The head.\n\nexport ${declaration}\n`)
      const good = sourceFile('gateway/src/a.ts', `// The head.\n\n/**\n * It is a.\n */\nexport ${declaration}\n`)
      expect(docComments([bad]).map(({ line }) => line)).toEqual([3])
      expect(docComments([good])).toEqual([])
    },
  )

  test('each export needs its own', () => {
    const file = sourceFile('gateway/src/a.ts', '/** The a. */\nexport const a = 1\nexport const b = 2\n')
    expect(docComments([file]).map(({ line }) => line)).toEqual([3])
  })

  test('a comment that is no doc comment is none', () => {
    expect(docComments([sourceFile('gateway/src/a.ts', '/* The a. */\nexport const a = 1\n')])).toHaveLength(1)
  })
})

describe('default exports', () => {
  test.each(['export default 1\n', 'const a = 1\nexport { a as default }\n'])('are offences: %j', (text) => {
    expect(defaultExports([sourceFile('gateway/src/a.ts', text)])).toHaveLength(1)
  })

  test('are what a tool wants in its config file', () => {
    expect(defaultExports([sourceFile('vitest.config.ts', 'export default {}\n')])).toEqual([])
  })
})

describe('barrels', () => {
  test.each(["export * from './b.ts'\n", "export { b } from './b.ts'\n", "export type { B } from './b.ts'\n"])(
    'are offences: %j',
    (text) => {
      expect(barrels([sourceFile('gateway/src/a.ts', text)])).toHaveLength(1)
      expect(barrels([sourceFile('proto/src/index.ts', text)])).toEqual([])
    },
  )

  test('are not called index elsewhere', () => {
    expect(barrels([sourceFile('gateway/src/session/index.ts', 'run()\n')])).toHaveLength(1)
  })
})
