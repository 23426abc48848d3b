// The list of checks leaves no clause of PROTOCOL.md out, and the suite knows nothing but that page.
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CHECKS } from './check-list.ts'
import { clausesOf, LEFT_OUT, readProtocol, UNOBSERVABLE } from './clauses.ts'

const page = readProtocol()
const clauses = clausesOf(page)
const checked = new Set(CHECKS.flatMap((check) => check.clauses))

describe('clauses', () => {
  test('are found in the page, each once', () => {
    expect(clauses.length).toBeGreaterThan(80)
    expect(new Set(clauses).size).toBe(clauses.length)
    expect(page.match(/\*\*\[P-[0-9.]+\]\*\*/g)).toHaveLength(clauses.length)
  })

  test('are each checked, or listed with the reason why they cannot be observed', () => {
    expect(clauses.filter((clause) => !checked.has(clause) && !Object.hasOwn(UNOBSERVABLE, clause))).toEqual([])
  })

  test('that are listed as unobservable have no check', () => {
    expect(Object.keys(UNOBSERVABLE).filter((clause) => checked.has(clause))).toEqual([])
  })

  test('that checks and lists name exist', () => {
    const named = [...checked, ...Object.keys(UNOBSERVABLE), ...Object.keys(LEFT_OUT)]
    expect(named.filter((clause) => !clauses.includes(clause))).toEqual([])
    expect(Object.keys(LEFT_OUT).filter((clause) => !checked.has(clause))).toEqual([])
  })
})

describe('checks', () => {
  test('each hold a clause, under a name of their own', () => {
    expect(CHECKS.filter((check) => check.clauses.length === 0).map(({ name }) => name)).toEqual([])
    const names = CHECKS.map(({ name }) => name)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })
})

describe('the suite', () => {
  /** Files of the suite itself: not its tests, nor what they alone use. */
  const files = ['.', 'checks'].flatMap((folder) =>
    readdirSync(resolve(import.meta.dirname, folder))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .filter((file) => !['installation.ts', 'faulty-relay.ts'].includes(file))
      .map((file) => resolve(import.meta.dirname, folder, file)),
  )

  test('knows no implementation: it imports itself, Node, and public packages', () => {
    const foreign = files.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) .*? from '([^']+)'|^import '([^']+)'/gm)]
        .flatMap(([, from, bare]) => from ?? bare ?? [])
        .filter((specifier) => !/^(?:node:|\.\/|ws$|msgpackr$|@nats-io\/transport-node$)/.test(specifier))
        .filter((specifier) => !(file.includes('/checks/') && /^\.\.\/[a-z-]+\.ts$/.test(specifier)))
        .map((specifier) => `${file}: ${specifier}`),
    )
    expect(files.length).toBeGreaterThan(20)
    expect(foreign).toEqual([])
  })
})
