import { describe, expect, test } from 'vitest'
import { createPrinter, LINE_CHARS_MAX, LineSplitter, readLine } from './output.ts'

function print(lines: readonly (readonly [string, string])[], verbose: boolean): string[] {
  const written: string[] = []
  const write = (text: string): void => void written.push(text)
  const printer = createPrinter({ write, names: ['nats-server', 'gateway-1'], verbose, colors: false })
  for (const [name, raw] of lines) printer.line(name, raw)
  return written
}

describe('reading a line', () => {
  test("pino's JSON becomes its message and its own fields", () => {
    const raw =
      '{"level":40,"time":1,"pid":7,"hostname":"h","name":"gateway-1","msg":"slow consumer","session":"g.1","why":"a b"}'
    expect(readLine(raw)).toEqual({ level: 'warn', text: 'slow consumer  session=g.1  why="a b"' })
  })

  test.each([
    ['trace', 'debug'],
    ['info', 'info'],
    ['fatal', 'error'],
  ])('its level may be the label %s', (label, level) => {
    expect(readLine(`{"level":"${label}","msg":"m"}`)).toEqual({ level, text: 'm' })
  })

  test('an error in it is shown with its stack', () => {
    const raw = JSON.stringify({ level: 60, msg: 'uncaught', err: { type: 'Error', stack: 'Error: x\n    at y' } })
    expect(readLine(raw)).toEqual({ level: 'error', text: 'uncaught  err=Error: x\n    at y' })
  })

  test.each([
    ['[1234] 2026/01/02 03:04:05.678901 [INF] Server is ready', 'info', 'Server is ready'],
    ['[1234] 2026/01/02 03:04:05.678901 [WRN] Slow', 'warn', 'Slow'],
    ['[1234] 2026/01/02 03:04:05.678901 [FTL] No', 'error', 'No'],
  ])("nats-server's %j is %s", (raw, level, text) => {
    expect(readLine(raw)).toEqual({ level, text })
  })

  test.each(['{"level":"loud","msg":"m"}', 'SyntaxError: x', '{ not json', '{"msg":"no level"}', ''])(
    '%j is plain text',
    (raw) => {
      expect(readLine(raw)).toEqual({ level: 'plain', text: raw })
    },
  )
})

describe('printing', () => {
  const lines = [
    ['gateway-1', '{"level":30,"msg":"quiet"}'],
    ['gateway-1', '{"level":50,"msg":"loud"}'],
    ['nats-server', '[1] 2026/01/02 03:04:05.6 [INF] quiet'],
    ['gateway-1', 'a crash'],
  ] as const

  test('a quiet run shows warnings, errors and plain text, with who said it', () => {
    expect(print(lines, false)).toEqual(['gateway-1   │ ERROR loud\n', 'gateway-1   │ a crash\n'])
  })

  test('a verbose run shows all', () => {
    expect(print(lines, true)).toHaveLength(4)
  })
})

describe('splitting', () => {
  function split(pieces: readonly string[]): string[] {
    const lines: string[] = []
    const splitter = new LineSplitter((line) => lines.push(line))
    for (const piece of pieces) splitter.push(piece)
    splitter.end()
    return lines
  }

  test('lines come whole, however the pieces fall', () => {
    expect(split(['a', 'b\r\nc\n', '\n', 'd'])).toEqual(['ab', 'c', '', 'd'])
  })

  test('a line without an end is cut and does not pile up', () => {
    const lines = split(Array.from({ length: 8 }, () => 'x'.repeat(LINE_CHARS_MAX / 2)))
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(LINE_CHARS_MAX + 1)
  })
})
