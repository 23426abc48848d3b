// The values of the chart as its page and its schema have them, held against values.yaml and the configuration's own schema in both directions.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { CHART } from './chart-files.ts'
import { configDefinitions, type JsonSchema } from './config-schema.ts'
import { valuesOf, valuesTable, withTable } from './values-page.ts'

const read = (name: string): string => readFileSync(join(CHART, name), 'utf8')
const text = read('values.yaml')
const schema = JSON.parse(read('values.schema.json')) as JsonSchema & { $defs: Record<string, JsonSchema> }

/** A schema, a reference followed. */
function resolved(one: JsonSchema | undefined): JsonSchema {
  const name = typeof one?.$ref === 'string' ? one.$ref.slice('#/$defs/'.length) : undefined
  return (name === undefined ? one : schema.$defs[name]) ?? {}
}

/** What is known to a schema and missing among the values, or the other way round. */
function differences(values: unknown, one: JsonSchema, path = ''): string[] {
  const { properties, additionalProperties } = resolved(one)
  if (properties === undefined || additionalProperties !== false) return []
  // Values that are made of others' keys (resources, settings) have no defaults of their own to be compared.
  if (/(^|\.)(resources|config|namespaces|inbox|timeouts)$/.test(path)) return []
  const known = Object.keys(properties).filter((key) => key !== 'global')
  const given = Object.keys((values ?? {}) as object)
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`)
  return [
    ...known.filter((key) => !given.includes(key)).map((key) => `${at(key)} has no default`),
    ...given.filter((key) => !known.includes(key)).map((key) => `${at(key)} is not in the schema`),
    ...given.flatMap((key) => differences((values as Record<string, unknown>)[key], properties[key] ?? {}, at(key))),
  ]
}

/** Every object of a schema that takes keys which it does not name. */
function openObjects(one: unknown, path = '#'): string[] {
  if (typeof one !== 'object' || one === null) return []
  const { type, properties, additionalProperties } = one as JsonSchema
  const open = type === 'object' && properties !== undefined && additionalProperties !== false ? [path] : []
  return [...open, ...Object.entries(one).flatMap(([key, inner]) => openObjects(inner, `${path}/${key}`))]
}

test('every value says what it is for', () => {
  expect(valuesOf(text).filter(({ description }) => description === null)).toEqual([])
})

test('the page has each value once, with its default and its meaning', () => {
  const page = read('README.md')
  expect(page, 'run `node test/chart/write-pages.ts`').toBe(withTable(page, valuesTable(valuesOf(text))))
})

test('the schema knows each value, and has none more', () => {
  expect(differences(parse(text), schema)).toEqual([])
})

test('the schema is of draft 2020-12, and no object of it takes an unknown key', () => {
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
  expect(openObjects(schema)).toEqual([])
})

test("the schema has each setting of the configuration, as the configuration's own schema has it", () => {
  expect(schema.$defs, 'run `node test/chart/write-pages.ts`').toMatchObject(configDefinitions())
  for (const [name, definition] of Object.entries(configDefinitions())) expect(schema.$defs[name]).toEqual(definition)
})

test('the chart installs the release that it lies in', () => {
  const { version } = JSON.parse(readFileSync(resolve(CHART, '../../package.json'), 'utf8')) as { version: string }
  expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version })
})
