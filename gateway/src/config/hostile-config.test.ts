import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gatewayConfig } from './gateway-config.ts'
import { load, mistakesOf } from './load-from-tables.ts'

const { fields } = gatewayConfig

describe('whatever stands in the environment and the file', () => {
  const names = fields.map(({ variable }) => variable)
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.integer().map(String),
    fc.constantFrom('true', ',', '{}', '[]', 'null', '/'),
  )
  const env = fc.dictionary(
    fc.oneof(
      fc.constantFrom(...names),
      fc.string().map((tail) => `SLUICE_${tail}`),
    ),
    text,
    { maxKeys: 12 },
  )

  test('loading answers and never throws', () => {
    fc.assert(
      fc.property(env, fc.oneof(fc.json(), fc.string()), (variables, file) => {
        const loaded = load({ ...variables, SLUICE_CONFIG: '/config.json' }, { '/config.json': file })
        expect(loaded.ok || loaded.mistakes.length > 0).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('values of any kind in place of any field or section are mistakes, never a throw', () => {
    const paths = [...new Set(fields.flatMap(({ path }) => [path, path.split('.')[0] ?? '']))]
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), fc.jsonValue()), { maxLength: 8 }), (entries) => {
        const file: Record<string, unknown> = {}
        for (const [path, value] of entries) {
          const [section = '', key] = path.split('.')
          const inside = file[section]
          if (key === undefined) file[section] = value
          else file[section] = { ...(typeof inside === 'object' ? inside : {}), [key]: value }
        }
        expect(typeof load({}, { '/config.json': file }).ok).toBe('boolean')
      }),
      { numRuns: 300 },
    )
  })

  test('no mistake ever shows a secret', () => {
    const secrets = fields.filter(({ secret }) => secret === true)
    const hush = fc.stringMatching(/^hush[a-z0-9]{8}$/)
    fc.assert(
      fc.property(fc.constantFrom(...secrets), hush, env, (field, value, others) => {
        const viaVariable = load({ ...others, [field.variable]: value })
        const [section = '', key = ''] = field.path.split('.')
        const viaFile = load({ ...others, [field.variable]: '' }, { '/config.json': { [section]: { [key]: [value] } } })
        for (const loaded of [viaVariable, viaFile])
          expect(JSON.stringify(loaded.ok ? '' : loaded.mistakes)).not.toContain(value)
      }),
      { numRuns: 200 },
    )
  })

  test('keys that objects have of their own are no settings', () => {
    for (const key of ['__proto__', 'constructor', 'toString']) {
      const told = mistakesOf({}, { '/config.json': `{"${key}":{"port":1},"listen":{"${key}":1}}` })
      expect(told).toHaveLength(2)
    }
  })
})
