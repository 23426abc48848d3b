// The repository's texts as the rules see them: read once, split once. Never judges.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Views, views } from './lexer.ts'

/** One file. Rules are pure functions over these, so a bad sample is written in place. */
export interface SourceFile extends Views {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** Bytes above which a file is data: no rule reads it. */
const TEXT_BYTES_MAX = 1_000_000

const ignored = new Set(['.git', '.sluice', 'coverage', 'dist', 'node_modules'])

/** A file with its views. */
export function sourceFile(path: string, text: string): SourceFile {
  const { code, bare } = isScript(path) ? views(text) : { code: text, bare: text }
  return { path, text, code, bare }
}

/** Reads all text files under a folder, sorted by path; what git ignores, binary files and logs are left out. */
export function readTree(root: string): SourceFile[] {
  const files: SourceFile[] = []
  const read = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (ignored.has(entry.name) || path.endsWith('.log')) continue
      if (entry.isDirectory()) read(path)
      else if (entry.isFile() && statSync(join(root, path)).size <= TEXT_BYTES_MAX) {
        const text = readFileSync(join(root, path), 'utf8')
        if (!text.includes('\0')) files.push(sourceFile(path, text))
      }
    }
  }
  read('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether a file is TypeScript or JavaScript. */
export function isScript(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path)
}

/** Whether a file holds tests: what rules say of services does not bind it. */
export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

/** Whether a file belongs to the source of a package that is shipped: `gateway/src/…` and its like, tests left out. */
export function isShipped(path: string): boolean {
  return /^(client|gateway|proto|router|service)\/src\//.test(path) && isScript(path) && !isTest(path)
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
