import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { views } from './lexer.ts'

describe('the two views of a source text', () => {
  test('blank comments, and the contents of strings in the barer one', () => {
    const text = "call('a // b') // note\n/* one\n two */ x"
    expect(views(text)).toEqual({
      code: "call('a // b')        \n      \n        x",
      bare: "call('      ')        \n      \n        x",
    })
  })

  test('keep the expressions inside of templates as code', () => {
    const { bare } = views('const a = `x ${process.env["Y"] + `in ${{ b: 1 }}`} process.env`')
    expect(bare).toBe('const a = `  ${process.env[" "] + `   ${{ b: 1 }}`}            `')
  })

  test('tell a regular expression from a division', () => {
    expect(views("x = /['/]/.test(y)").bare).toBe('x = /    /.test(y)')
    expect(views('x = a / b / c').bare).toBe('x = a / b / c')
    expect(views("return /'/").bare).toBe('return / /')
  })

  test('never fail and keep each line where it was, whatever the text', () => {
    const text = fc.array(fc.constantFrom('`', '${', '}', '{', "'", '"', '/', '//', '/*', '*/', '\\', '\n', 'a', ' '))
    fc.assert(
      fc.property(text, (parts) => {
        const whole = parts.join('')
        const { code, bare } = views(whole)
        expect(code.length).toBe(whole.length)
        expect(bare.length).toBe(whole.length)
        expect(code.replace(/[^\n]/g, '')).toBe(whole.replace(/[^\n]/g, ''))
        expect(bare.replace(/[^\n]/g, '')).toBe(whole.replace(/[^\n]/g, ''))
      }),
    )
  })
})
