// The pages: the map fits on a few screens, and nothing in the repository betrays the machine that it was written on.
import type { Rule } from '../offence.ts'
import { lineAt } from '../source-file.ts'

/** Lines of ARCHITECTURE.md: a map that is longer is not read before one works. */
const ARCHITECTURE_LINES_MAX = 200

/** The only registry that texts and the lock may name. */
const REGISTRY = 'https://registry.npmjs.org/'

// Written so that this file does not match itself.
const machine =
  /(?<![\w.-])\/(?:work|root|home\/\w+|Users\/\w+)\/|\bhttps?:\/\/(?:registry|npm|mirror|artifactory|nexus)[.-][\w.-]+[/:]|\blocalhost:4873\b/g

/** ARCHITECTURE.md exists and is short. */
export const architectureLength: Rule = (files) => {
  const page = files.find(({ path }) => path === 'ARCHITECTURE.md')
  const lines = page?.text.trimEnd().split('\n').length ?? 0
  const at = { path: 'ARCHITECTURE.md', line: ARCHITECTURE_LINES_MAX }
  const why = 'it is read before the code'
  if (lines === 0) return [{ ...at, line: 1, what: 'is missing', why, instead: 'write the map' }]
  if (lines <= ARCHITECTURE_LINES_MAX) return []
  const instead = 'cut it, or move detail to the heads of files'
  return [{ ...at, what: `has ${lines} lines`, why: `${why}: at most ${ARCHITECTURE_LINES_MAX} lines`, instead }]
}

/** No path, registry or host of one machine is in any file. */
export const machineWords: Rule = (files) =>
  files.flatMap(({ path, text }) =>
    [...text.matchAll(machine)]
      .filter(({ index }) => !text.startsWith(REGISTRY, index))
      .map(({ 0: what, index }) => ({
        path,
        line: lineAt(text, index),
        what: `says ${what}`,
        why: 'it holds on one machine only',
        instead: 'write a path from the repository, or let it be configured',
      })),
  )
