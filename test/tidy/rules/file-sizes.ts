// Files of 60 to 200 lines: one that has grown past that has usually two owners in it.
import type { Offence, Rule } from '../offence.ts'
import { isScript, type SourceFile } from '../source-file.ts'

/** Lines above which a file is pointed out. */
export const FILE_LINES_WARNED = 300

/** Lines above which the check fails. */
export const FILE_LINES_MAX = 400

/** No code file is longer than {@link FILE_LINES_MAX} lines. */
export const fileSizes: Rule = (files) => longer(files, FILE_LINES_MAX)

/** Code files worth a look: above {@link FILE_LINES_WARNED}, within {@link FILE_LINES_MAX}. */
export const fileSizeWarnings: Rule = (files) => {
  const failing = new Set(fileSizes(files).map(({ path }) => path))
  return longer(files, FILE_LINES_WARNED).filter(({ path }) => !failing.has(path))
}

function longer(files: readonly SourceFile[], linesMax: number): Offence[] {
  return files
    .filter(({ path }) => isScript(path) || /\.(css|html)$/.test(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => ({
      path,
      line: linesMax,
      what: `has ${lines} lines`,
      why: `more than ${linesMax} are more than one thing`,
      instead: 'divide it by what its parts own',
    }))
}
