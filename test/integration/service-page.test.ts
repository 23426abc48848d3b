// The services' page tells nothing that its programs do not do: each snippet is a part of one, and names become tokens in each language
// as the vectors say.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nameOf, token } from '../../deploy/services/typescript/names.ts'
import { findGo, findPython } from '../harness/service-examples.ts'

const FOLDER = resolve(import.meta.dirname, '../../deploy/services')
const VECTORS = resolve(import.meta.dirname, '../../proto/vectors/tokens.json')
const page = readFileSync(join(FOLDER, 'README.md'), 'utf8')

interface Snippet {
  readonly file: string
  readonly lines: readonly string[]
}

/** Every block of code, with the file that the page has named last before it; `console` is what one types. */
function snippets(): Snippet[] {
  const found: Snippet[] = []
  let file = ''
  let lines: string[] | null = null
  for (const line of page.split('\n')) {
    const fence = /^```(\w*)/.exec(line)
    if (fence !== null) {
      if (lines === null) lines = fence[1] === 'console' ? [] : ['']
      else {
        if (lines.length > 1) found.push({ file, lines: lines.slice(1) })
        lines = null
      }
    } else if (lines !== null) {
      if (lines.length > 0) lines.push(line)
    } else file = /\]\(((?:cli|typescript|go|python)\/[\w./-]+)\):?$/.exec(line)?.[1] ?? file
  }
  return found
}

/** Without the indentation that all lines have in common. */
function dedent(lines: readonly string[]): string {
  const widths = lines.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)?.[0].length ?? 0)
  const width = Math.min(...widths)
  return lines.map((line) => line.slice(width)).join('\n')
}

function isPartOf({ file, lines }: Snippet): boolean {
  const text = readFileSync(join(FOLDER, file), 'utf8').split('\n')
  const wanted = dedent(lines)
  return text.some((_, at) => dedent(text.slice(at, at + lines.length)) === wanted)
}

describe('the page for services', () => {
  test('shows nothing but parts of programs that the tests run', () => {
    const all = snippets()
    expect(all.length).toBeGreaterThan(20)
    expect(all.filter((snippet) => !isPartOf(snippet))).toEqual([])
  })

  test('names every program, and links to nothing that is not there', () => {
    const programs = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.includes('node_modules'))
      .filter((path) => /(?:\.ts|\.py|\.sh|\.go)$/.test(path))
    expect(programs.length).toBeGreaterThanOrEqual(38)
    expect(programs.filter((path) => !page.includes(`(${path})`))).toEqual([])
    const links = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link = '']) => link)
    expect(
      links.filter((link) => !readdirSync(dirname(join(FOLDER, link))).includes(link.split('/').at(-1) ?? '')),
    ).toEqual([])
  })
})

test('the examples in TypeScript are installed with the versions that they were tested with', () => {
  const read = (path: string) => JSON.parse(readFileSync(resolve(FOLDER, path), 'utf8'))
  expect(read('../../package.json').devDependencies).toMatchObject(read('typescript/package.json').dependencies)
})

describe('names become tokens as the vectors say, and tokens names', () => {
  const { accepted } = JSON.parse(readFileSync(VECTORS, 'utf8')) as {
    accepted: readonly { readonly name: string; readonly token: string }[]
  }

  test('in TypeScript', () => {
    expect(accepted.map(({ name }) => token(name))).toEqual(accepted.map(({ token }) => token))
    expect(accepted.map(({ token }) => nameOf(token))).toEqual(accepted.map(({ name }) => name))
  })

  test('in Go', ({ skip }) => {
    const go = findGo()
    if (go === null) return skip('Go is not here')
    // An argument of a program holds no NUL.
    const some = accepted.filter(({ name }) => !name.includes('\0'))
    const args = ['run', './token', ...some.map(({ name }) => name)]
    const { stdout, stderr } = spawnSync(go, args, { cwd: join(FOLDER, 'go'), encoding: 'utf8' })
    expect(stdout.trimEnd().split('\n'), stderr).toEqual(some.map(({ token }) => token))
  })

  test('in Python', ({ skip }) => {
    const python = findPython()
    if (python === null) return skip('Python is not here')
    const code =
      'import json, sys; from names import name_of, token; names = json.load(sys.stdin); tokens = [token(n) for n in names]; assert [name_of(t) for t in tokens] == names; print(json.dumps(tokens))'
    const input = JSON.stringify(accepted.map(({ name }) => name))
    const { stdout } = spawnSync(python, ['-B', '-c', code], { cwd: join(FOLDER, 'python'), input, encoding: 'utf8' })
    expect(JSON.parse(stdout)).toEqual(accepted.map(({ token }) => token))
  })
})
