// How figures are written: the same in tables for people and in the page of results. Pure.
import type { Summary } from './measure/statistics.ts'

/** Both quartiles. */
export function quartilesOf({ q1, q3 }: Summary, decimals: number): string {
  return `${q1.toFixed(decimals)}–${q3.toFixed(decimals)}`
}

/** A share as a percentage. */
export function share(of: number): string {
  return `${Math.round(of * 100)} %`
}

/** Bytes as kilobytes of 1024. */
export function kilobytes(bytes: number): string {
  return (bytes / 1024).toFixed(2)
}

/** Rows in columns: the first column to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    )
    return cells.join('  ').trimEnd()
  })
}
