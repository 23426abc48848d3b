import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonMember, jsonMemberSpan } from './json-member.ts'

/** Prints a JSON value in one of the many ways that mean the same. */
class Printer {
  readonly #choices: readonly number[]
  #at = 0

  constructor(choices: readonly number[]) {
    this.#choices = choices
  }

  value(value: unknown): string {
    if (typeof value === 'string') return this.string(value)
    if (Array.isArray(value)) return `[${value.map((item) => this.spaced(this.value(item))).join(',')}]`
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    return this.members(Object.entries(value))
  }

  members(members: readonly (readonly [string, unknown])[]): string {
    const printed = members.map(([key, value]) => {
      return `${this.spaced(this.string(key))}:${this.spaced(this.value(value))}`
    })
    return `{${printed.join(',')}${this.space()}}`
  }

  string(text: string): string {
    const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
    return `"${units.map((unit) => this.unit(unit)).join('')}"`
  }

  unit(unit: number): string {
    const escaped = `\\u${unit.toString(16).padStart(4, '0')}`
    const surrogate = unit >= 0xd800 && unit <= 0xdfff
    const plain = surrogate ? escaped : JSON.stringify(String.fromCharCode(unit)).slice(1, -1)
    return this.choose([plain, plain, escaped, unit === 0x2f ? '\\/' : plain])
  }

  spaced(text: string): string {
    return `${this.space()}${text}${this.space()}`
  }

  space(): string {
    return this.choose(['', '', ' ', '\n\t', '\r '])
  }

  choose(of: readonly string[]): string {
    const choice = this.#choices[this.#at++ % this.#choices.length] ?? 0
    return of[choice % of.length] ?? ''
  }
}

const choices = fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 })
const key = fc.oneof(
  fc.constantFrom(
    'data',
    'bytes',
    '__proto__',
    '',
    'da"ta',
    'da\\ta',
    '\\u0064ata',
    '😀',
    '\ud800',
    '{',
    '}',
    ',',
    ':',
  ),
  fc.string(),
)
const members = fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 3 })), { maxLength: 6 })

describe('a member of a JSON text', () => {
  test('is the value that JSON.parse finds, however the text is written', () => {
    fc.assert(
      fc.property(members, key, choices, (list, name, chosen) => {
        const text = new Printer(chosen).spaced(new Printer(chosen).members(list))
        const parsed = JSON.parse(text)
        const member = jsonMember(text, name)
        if (Object.hasOwn(parsed, name)) expect(JSON.parse(member ?? '')).toEqual(parsed[name])
        else expect(member).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })

  test('is the last of two with one name', () => {
    expect(jsonMember('{"data":1,"d\\u0061ta":2}', 'data')).toBe('2')
    expect(jsonMember('{"d\\u0061ta":2,"data":1}', 'data')).toBe('1')
  })

  test('is not looked for inside of other members', () => {
    expect(jsonMember('{"a":{"data":1},"b":["data",{"data":2}],"c":"\\",\\"data\\":3"}', 'data')).toBeUndefined()
  })

  test('keeps the digits and the order of its publisher', () => {
    const data = '{"b":12345678901234567890.10,"a":1e400}'
    expect(jsonMember(`{"type":"publish","data": ${data} ,"room":"a"}`, 'data')).toBe(data)
  })

  test('stands where the span says, without white space', () => {
    expect(jsonMemberSpan('{ "data" : \n [1] \t}', 'data')).toEqual({ start: 13, end: 16 })
    expect(jsonMemberSpan('{}', 'data')).toBeNull()
  })

  test.each(['[', '{"a":'])('may be nested 100,000 times by %s', (open) => {
    const close = open === '[' ? ']' : '}'
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`
    expect(jsonMember(`{"data":${deep},"room":"a"}`, 'data') === deep).toBe(true)
  })

  test.each([
    ['backslashes', `"${'\\\\'.repeat(100_000)}"`],
    ['escaped quotes', `"${'\\"'.repeat(100_000)}"`],
    ['members', `{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":0`).join(',')}}`],
  ])('is found in time in proportion to the text, also among many %s', (_, value) => {
    expect(jsonMember(`{"a":${value},"data":7}`, 'data')).toBe('7')
  })
})
