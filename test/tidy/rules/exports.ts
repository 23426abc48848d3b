// Exports: each has a doc comment and a name of its own, and comes from one place.
import { importsOf } from '../imports.ts'
import type { Offence, Rule } from '../offence.ts'
import { isScript, isTest, lineAt, type SourceFile } from '../source-file.ts'

/** The only barrel: other files are imported where they are. */
const BARREL = 'proto/src/index.ts'

const declaration =
  /^export (?:declare )?(?:abstract |async )?(?:const|let|function\*?|class|interface|type)\s+([\w$]+)/gm

/** Every exported declaration stands under a doc comment. */
export const docComments: Rule = (files) =>
  files.filter(({ path }) => isScript(path) && !isTest(path) && path !== BARREL).flatMap(undocumented)

function undocumented({ path, text, bare }: SourceFile): Offence[] {
  return [...bare.matchAll(declaration)]
    .filter(({ index }) => !/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.test(text.slice(0, index)))
    .map(({ index, 1: name }) => ({
      path,
      line: lineAt(text, index),
      what: `export ${name} has no doc comment`,
      why: 'an export is a promise',
      instead: 'say what it is for, its unit, default, bound and errors, and who calls it when',
    }))
}

/** No source has a default export: a thing has one name wherever it is used. */
export const defaultExports: Rule = (files) =>
  files
    .filter(({ path }) => isScript(path) && path.includes('/') && !path.endsWith('.config.ts'))
    .flatMap(({ path, bare }) =>
      [...bare.matchAll(/^export\s+(?:default\b|\{[^}]*\bas\s+default\b)/gm)].map(({ index }) => ({
        path,
        line: lineAt(bare, index),
        what: 'has a default export',
        why: 'a thing has one name wherever it is used',
        instead: 'export it by name',
      })),
    )

/** Nothing is exported again but by the one barrel. */
export const barrels: Rule = (files) => files.filter(({ path }) => isScript(path) && path !== BARREL).flatMap(barrel)

function barrel(file: SourceFile): Offence[] {
  const { path } = file
  const why = `the one barrel is ${BARREL}`
  const offences: Offence[] = importsOf(file)
    .filter(({ reExport }) => reExport)
    .map(({ line, specifier }) => ({
      path,
      line,
      what: `exports again what ${specifier} owns`,
      why,
      instead: 'let those who need it import it where it is',
    }))
  if (/(^|\/)index\.[cm]?[jt]s$/.test(path)) {
    offences.push({ path, line: 1, what: 'is called index', why, instead: 'name it by what it owns' })
  }
  return offences
}
