// The tables of PROTOCOL.md and the tables of the code say the same: each close code and each error code has one row, and
// no row speaks of a code that does not exist. Reads tables whose first column is called `code`.
import { CLOSE_CODES, ERROR_CODES } from '@sluice/proto'
import type { Offence, Rule } from '../offence.ts'

const PAGE = 'PROTOCOL.md'

/** The names that one of the code's tables has. */
export interface Codes {
  readonly kind: string
  readonly names: readonly string[]
  /** What a code of this kind looks like, so that a row such as `unknown` is no code. */
  readonly form: RegExp
}

const closeCodes: Codes = { kind: 'close code', names: Object.keys(CLOSE_CODES), form: /^\d{4}$/ }
const errorCodes: Codes = { kind: 'error code', names: Object.keys(ERROR_CODES), form: /^[a-z]+(_[a-z]+)*$/ }

interface Row {
  readonly code: string
  readonly line: number
}

/** Every close code is in PROTOCOL.md once, and nothing else is. */
export const closeCodesDocumented: Rule = (files) => compare(files, closeCodes)

/** Every error code is in PROTOCOL.md once, and nothing else is. */
export const errorCodesDocumented: Rule = (files) => compare(files, errorCodes)

/** Holds one table of the code against the page, in both directions. */
export function compare(files: Parameters<Rule>[0], { kind, names, form }: Codes): Offence[] {
  const page = files.find(({ path }) => path === PAGE)?.text ?? ''
  const rows = codeTables(page)
    .filter((table) => table.some(({ code }) => form.test(code)))
    // A table of close codes may have a row `unknown`: a table is of the kind that its first row is of.
    .filter((table) => form.test(table[0]?.code ?? ''))
    .flatMap((table) => table.filter(({ code }) => form.test(code)))
  const offence = (line: number, what: string, why: string, instead: string): Offence => ({
    path: PAGE,
    line,
    what,
    why,
    instead,
  })
  const offences: Offence[] = []
  for (const name of names) {
    const found = rows.filter(({ code }) => code === name)
    if (found.length === 0) {
      offences.push(offence(1, `lacks the ${kind} ${name}`, 'clients read this page', `add the row | ${name} | …`))
    }
    for (const { line } of found.slice(1)) {
      offences.push(offence(line, `has the ${kind} ${name} again`, 'two rows will differ', 'keep one row'))
    }
  }
  for (const { code, line } of rows) {
    if (!names.includes(code)) {
      const instead = `remove the row, or add it to proto/src/${kind.replace(' ', '-')}s.ts`
      offences.push(offence(line, `has the ${kind} ${code}`, 'the code has no such one', instead))
    }
  }
  return offences
}

/** The first cells of each table whose first column is `code`; a cell may list several, parted by commas. */
function codeTables(page: string): Row[][] {
  const tables: Row[][] = []
  let table: Row[] | null = null
  for (const [at, text] of page.split('\n').entries()) {
    const cell = /^\s*\|([^|]*)\|/.exec(text)?.[1]?.trim()
    if (cell === undefined) table = null
    else if (cell.toLowerCase() === 'code') {
      table = []
      tables.push(table)
    } else if (table !== null && !/^:?-+:?$/.test(cell)) {
      for (const code of cell.replaceAll('`', '').split(',')) table.push({ code: code.trim(), line: at + 1 })
    }
  }
  return tables
}
