import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogger, type Logger, redactUrl } from './log.ts'

function logInto(lines: string[], options: { level?: string; pretty?: boolean } = {}): Logger {
  return createLogger({
    level: options.level ?? 'info',
    pretty: options.pretty ?? false,
    name: 'gw-1',
    destination: { write: (line: string) => lines.push(line) },
  })
}

describe('a line of the log', () => {
  test('is one JSON object with time, level, name, sentence and fields', () => {
    const lines: string[] = []
    logInto(lines).info({ port: 8080 }, 'listening')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      name: 'gw-1',
      msg: 'listening',
      port: 8080,
    })
  })

  test('is left out below the level, which can change', () => {
    const lines: string[] = []
    const log = logInto(lines, { level: 'warn' })
    log.info('listening')
    log.level = 'info'
    log.info('draining')
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['draining'])
  })

  test('on a terminal is made for people', () => {
    const lines: string[] = []
    logInto(lines, { pretty: true }).warn({ port: 8080 }, 'listening')
    expect(lines.join('')).toMatch(/WARN.*listening.*8080/)
    expect(lines.join('')).not.toMatch(/^\{/)
  })

  test('hides secrets by the names of their fields, also inside of others', () => {
    const lines: string[] = []
    const hidden = { token: 'hush', secret: 'hush', password: 'hush', authorization: 'hush' }
    logInto(lines).info({ ...hidden, auth: hidden, headers: { cookie: 'hush' } }, 'sign-in failed')
    expect(lines.join('')).not.toContain('hush')
  })

  test('hides what addresses must not show', () => {
    const lines: string[] = []
    logInto(lines).info({ url: '/ws?token=hush', servers: ['nats://me:hush@a:4222'] }, 'connected')
    expect(lines.join('')).not.toContain('hush')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ url: '/ws?token=***', servers: ['nats://***@a:4222'] })
  })

  test('has an error with its kind, message and stack', () => {
    const lines: string[] = []
    logInto(lines).error({ err: new RangeError('too far') }, 'uncaught exception')
    expect(JSON.parse(lines[0] ?? '').err).toMatchObject({ type: 'RangeError', message: 'too far' })
  })
})

describe('an address in a log', () => {
  test.each([
    ['/ws', '/ws'],
    ['/ws?token=abc', '/ws?token=***'],
    ['/ws?a=1&token=abc&%74oken=abc', '/ws?a=***&token=***&%74oken=***'],
    ['/ws?abc.def.ghi', '/ws?***'],
    ['/ws?token=a?b=c', '/ws?token=***'],
    ['/ws#token=abc', '/ws'],
    ['/@user/ws?token=a@b', '/@user/ws?token=***'],
    ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222'],
    ['nats://me:pass@host:4222', 'nats://***@host:4222'],
    ['nats://me:p@ss/w?r#d@host:4222', 'nats://***@host:4222'],
    ['me:pass@host:4222', '***@host:4222'],
    ['//me:pass@host/ws', '//***@host/ws'],
    ['https://id.example/keys?p=policy', 'https://id.example/keys?p=***'],
    ['', ''],
  ])('%s becomes %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })

  test('is cut at 512 characters', () => {
    expect(redactUrl(`/${'x'.repeat(10_000)}`)).toHaveLength(513)
  })

  test('never shows a query, a fragment or a password, whatever surrounds them', () => {
    const around = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('hush'))
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(redactUrl(`/${before}?token=hush${after.replaceAll(/[=&]/g, '')}`)).not.toContain('hush')
        expect(redactUrl(`nats://${before}:hush${after}@host:4222`)).not.toContain('hush')
      }),
    )
  })
})
