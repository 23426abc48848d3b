// Code and tests cite the protocol by clause, `[P-n.n]`. A clause is a line of PROTOCOL.md that begins with its number, as a
// heading, a list entry or a paragraph: `**P-n.n**`, `### n.n Names` or `- [P-n.n] A name …`.
import type { Offence, Rule } from '../offence.ts'
import { lineAt } from '../source-file.ts'

const PAGE = 'PROTOCOL.md'
const clause = /^(?:#{1,6}\s+|[-*]\s+|\|\s*)?[*[]*(?:P-)?(\d+(?:\.\d+)*)\b/gm
// `P-n.n` in letters stands for any clause and cites none.
const citation = /\[P-(\d[\d.]*)\]/g

/** Every clause that is cited exists. */
export const citations: Rule = (files) => {
  const clauses = new Set(clausesOf(files).map(({ number }) => number))
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(citation)]
      .filter(({ 1: number }) => !clauses.has(number ?? ''))
      .map(({ 0: what, index }) => ({
        path,
        line: lineAt(text, index),
        what: `cites ${what}`,
        why: `${PAGE} has no such clause`,
        instead: 'cite the clause that holds now, or write it',
      })),
  )
}

/** No two clauses have one number. Numbers without a dot are left out: chapters and numbered lists have them too. */
export const clauseNumbers: Rule = (files) => {
  const seen = new Set<string>()
  return clausesOf(files).flatMap(({ number, line }): Offence[] => {
    if (!number.includes('.')) return []
    const what = `has clause ${number} again`
    const again = seen.has(number)
    seen.add(number)
    return again ? [{ path: PAGE, line, what, why: 'a citation would mean two things', instead: 'renumber it' }] : []
  })
}

function clausesOf(files: Parameters<Rule>[0]): { number: string; line: number }[] {
  const text = files.find(({ path }) => path === PAGE)?.text ?? ''
  return [...text.matchAll(clause)].map(({ 1: number = '', index }) => ({ number, line: lineAt(text, index) }))
}
