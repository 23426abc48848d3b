// The chart's values.yaml as a page has it: each value with its default and what its comment says. Owns the form of the table in the
// chart's README; never judges a value.
import { isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** One value of the chart. */
export interface ChartValue {
  /** `gateway.service.port`. */
  readonly path: string
  readonly default: unknown
  /** What its comment says behind `# --`; null without one. */
  readonly description: string | null
}

/** Where the table begins and ends in the README. */
export const TABLE_BEGIN = '<!-- values: written by `node test/chart/write-pages.ts` -->'

/** The end of the table. */
export const TABLE_END = '<!-- end of values -->'

/** Every value that has no values below it, or that has a comment of its own, in the order of the file. */
export function valuesOf(text: string): readonly ChartValue[] {
  const { contents } = parseDocument(text)
  if (!isMap(contents)) throw new TypeError('values.yaml is no map')
  return listed(contents, '', contents.commentBefore ?? null)
}

/** The table of the README. */
export function valuesTable(values: readonly ChartValue[]): string {
  const rows = values.map(
    ({ path, default: fallback, description }) =>
      `| \`${path}\` | \`${JSON.stringify(fallback)}\` | ${(description ?? '').replaceAll('|', '\\|')} |`,
  )
  return ['| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

/** The README with another table. */
export function withTable(page: string, table: string): string {
  const begin = page.indexOf(TABLE_BEGIN)
  const end = page.indexOf(TABLE_END)
  if (begin === -1 || end < begin) throw new TypeError('the README has no place for the table of values')
  return `${page.slice(0, begin + TABLE_BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`
}

function listed(map: YAMLMap, prefix: string, comment: string | null): ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const { key, value } = pair as Pair<Node, Node | null>
    const path = `${prefix}${isScalar(key) ? String(key.value) : ''}`
    const said = described(key.commentBefore ?? (index === 0 ? comment : null))
    if (said === null && isMap(value) && value.items.length > 0)
      return listed(value, `${path}.`, value.commentBefore ?? null)
    return [{ path, default: value === null ? null : value.toJSON(), description: said }]
  })
}

/** The last line of a comment that begins with `--`. */
function described(comment: string | null): string | null {
  const line = comment?.split('\n').findLast((text) => text.trim().startsWith('-- '))
  return line === undefined ? null : line.trim().slice(3)
}
