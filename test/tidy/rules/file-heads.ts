// A file's head says in a few lines what it owns, what it never does, and where in the message path it stands.
import type { Offence, Rule } from '../offence.ts'
import { isScript, isTest } from '../source-file.ts'

/** Lines of a head, comment marks included: more is documentation, which has pages. */
const HEAD_LINES_MAX = 8

const head = /^(?:#![^\n]*\n)?((?:\/\/[^\n]*\n)+|\/\*[\s\S]*?\*\/[ \t]*\n)/

/** Every code file begins with a head; tests need none, as their names say it. */
export const fileHeads: Rule = (files) =>
  files
    .filter(({ path }) => isScript(path) && !isTest(path))
    .flatMap(({ path, text }): Offence[] => {
      const comment = head.exec(text)
      const instead = 'say in two to five lines what the file owns and what it never does'
      if (comment === null) return [{ path, line: 1, what: 'has no head', why: 'a reader starts there', instead }]
      const lines = (comment[1] ?? '').trimEnd().split('\n').length
      if (lines > HEAD_LINES_MAX) {
        return [{ path, line: 1, what: `has a head of ${lines} lines`, why: 'nobody reads that much', instead }]
      }
      if (comment[1]?.startsWith('/*') && text.slice(comment[0].length).startsWith('export ')) {
        const why = 'its first comment belongs to the export that follows'
        return [{ path, line: 1, what: 'has no head', why, instead }]
      }
      return []
    })
