import { CONFIG_VARIABLE } from '@sluice/service/config/config-file'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { gatewayConfig } from './gateway-config.ts'

const { fields } = gatewayConfig

describe('the fields', () => {
  test('have a variable each, and none is the variable of the file', () => {
    const names = [CONFIG_VARIABLE, ...fields.map(({ variable }) => variable)]
    expect(new Set(names).size).toBe(names.length)
  })

  test('each say what they mean in a sentence, and in one table row', () => {
    for (const { description, allowed, path } of fields) {
      expect(description, path).toMatch(/^[A-Z`].*[.]$/)
      expect(`${description}${allowed}`, path).not.toMatch(/[|\n]/)
    }
  })

  test('with a unit in the name have that unit', () => {
    for (const { path, unit } of fields) {
      const name = path.split('.').at(-1) ?? ''
      if (name.endsWith('Ms')) expect(unit, path).toBe('ms')
      if (name.endsWith('PerSecond')) expect(unit, path).toBe('1/s')
      if (name.includes('Bytes')) expect(unit, path).toBe('bytes')
    }
  })

  test('that hold secrets or files are marked, by name', () => {
    for (const { path, secret, file } of fields) {
      const name = path.split('.').at(-1) ?? ''
      if (/^(?:password|token|secret|secretPrevious)$/.test(name)) expect(secret, path).toBe(true)
      if (name.endsWith('File')) expect(file, path).toBe(true)
    }
  })

  test('that can change while the process runs are the namespaces, the inboxes and the log level', () => {
    expect(fields.filter(({ live }) => live === true).map(({ path }) => path)).toEqual([
      'log.level',
      'namespaces',
      'inbox',
    ])
  })

  test('that are numbers accept their bounds and the default, and nothing one beyond', () => {
    for (const { kind, schema, path, ...rest } of fields) {
      if (kind !== 'number') continue
      const [min = 0, max = 0] = (/from (\d+) to (\d+)$/.exec(rest.allowed) ?? []).slice(1).map(Number)
      const accepts = (value: unknown): boolean => z.safeParse(schema, value).success
      for (const value of [min, max, rest.default]) expect(accepts(value), `${path} ${value}`).toBe(true)
      for (const value of [min - 1, max + 1]) expect(accepts(value), `${path} ${value}`).toBe(false)
      expect(accepts(min + 0.5), `${path} and a half`).toBe(!rest.allowed.startsWith('a whole number'))
    }
  })
})
