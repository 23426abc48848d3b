// Finds the imports of a source file. Knows the forms of import and export; never judges them.
import { posix } from 'node:path'
import { lineAt, type SourceFile } from './source-file.ts'

/** One import, re-export, dynamic import or import type. */
export interface Import {
  /** As written. */
  readonly specifier: string
  /** The file meant by a relative specifier, from the repository's root; null for packages and built-ins. */
  readonly target: string | null
  /** From 1. */
  readonly line: number
  /** Whether it is `export … from`. */
  readonly reExport: boolean
}

// The bare view keeps quotes and blanks what they hold, so that code in strings is no import.
const forms =
  /\b(import|export)\b(?:\s+type\b)?[\w\s{},*$]*?\bfrom\s*(['"])( *)\2|\bimport\s*\(?\s*(['"])( *)\4|\brequire\s*\(\s*(['"])( *)\6/g

/** All imports of a file, in order. */
export function importsOf(file: SourceFile): Import[] {
  return [...file.bare.matchAll(forms)].map((match) => {
    const end = match.index + match[0].length - 1
    const length = (match[3] ?? match[5] ?? match[7] ?? '').length
    const specifier = file.code.slice(end - length, end)
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : null
    return { specifier, target, line: lineAt(file.text, match.index), reExport: match[1] === 'export' }
  })
}

/** The package of a specifier, without its entry: `@nats-io/nats-core/internal` is of `@nats-io/nats-core`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
