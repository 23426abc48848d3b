// test/bench/RESULTS.md: the page of a whole run. Written by the run alone, never by hand.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FigureTable, PartReport } from './figures.ts'
import { BUDGET_HEADS, budgetRows, environmentLines, type RunReport } from './report.ts'

const PAGE = fileURLToPath(new URL('RESULTS.md', import.meta.url))

/** Writes the page. */
export function writeResults(report: RunReport): void {
  writeFileSync(PAGE, resultsPage(report))
}

/** The page's text. */
export function resultsPage(report: RunReport): string {
  const skipped = report.parts.flatMap((part) => part.skipped)
  return [
    '# Results of the benchmark',
    'Written by `npm run bench`; edits are lost. How each figure is taken, and what a budget is for, stands with its part below.',
    environmentLines(report)
      .map((line) => `- ${line}`)
      .join('\n'),
    '## Budgets',
    '`undecided` is a figure whose quartiles are too far apart to say that its budget is met, or missed. What is counted and not timed has no quartiles.',
    markdownTable([BUDGET_HEADS, ...budgetRows(report)]),
    ...report.parts.flatMap(sectionOf),
    ...(skipped.length === 0 ? [] : ['## Left out', listOf([...new Set(skipped)])]),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

function sectionOf({ id, title, tables, notes, faults }: PartReport): string[] {
  return [
    `## ${id}: ${title}`,
    ...tables.flatMap((table) => tableOf(table)),
    ...(notes.length === 0 ? [] : [listOf(notes)]),
    ...(faults.length === 0 ? [] : ['**Slices that do not count:**', listOf(faults)]),
  ]
}

function tableOf({ title, rows }: FigureTable): string[] {
  return [`${title}:`, markdownTable(rows)]
}

function listOf(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join('\n')
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heads = [], ...rest] = rows
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map((_, at) => (at === 0 ? '---' : '---:'))), ...rest.map(line)].join('\n')
}
