// Thresholds in k6's words: `p(95)<200`, `count==0`. Read here and compared; the values come from the metrics. An expression that k6
// would refuse is refused, and so is what this adapter does not do.

/** What a metric may be judged by; a percentile is a number from 0 to 100. */
export type Aggregation = 'count' | 'rate' | 'value' | 'avg' | 'min' | 'med' | 'max' | { readonly percentile: number }

/** What stands between the two sides. */
export type Operator = '<' | '<=' | '>' | '>=' | '==' | '===' | '!='

/** A threshold that was read. */
export interface Threshold {
  readonly source: string
  readonly aggregation: Aggregation
  readonly operator: Operator
  readonly limit: number
}

const FORM = /^\s*(\S+?)\s*(===|==|!=|<=|>=|<|>)\s*(\S+)\s*$/
const PERCENTILE = /^p\(\s*(\d+(?:\.\d+)?)\s*\)$/
const NAMES: ReadonlySet<string> = new Set(['count', 'rate', 'value', 'avg', 'min', 'med', 'max'])

/**
 * Reads a threshold.
 *
 * @throws TypeError for what k6 would not take
 */
export function parseThreshold(source: unknown): Threshold {
  if (typeof source !== 'string') throw new TypeError('a threshold is a text here: abortOnFail is not offered')
  const [, left = '', operator = '', right = ''] = FORM.exec(source) ?? []
  const limit = Number(right)
  if (right === '' || Number.isNaN(limit)) throw new TypeError(`“${source}” is no threshold`)
  return { source, aggregation: aggregationOf(left, source), operator: operator as Operator, limit }
}

/** Whether a value keeps it. */
export function holds({ operator, limit }: Threshold, value: number): boolean {
  switch (operator) {
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    case '>':
      return value > limit
    case '>=':
      return value >= limit
    case '==':
    case '===':
      return value === limit
    case '!=':
      return value !== limit
  }
}

function aggregationOf(name: string, source: string): Aggregation {
  if (NAMES.has(name)) return name as Exclude<Aggregation, object>
  const percentile = Number(PERCENTILE.exec(name)?.[1] ?? Number.NaN)
  if (!(percentile >= 0 && percentile <= 100)) throw new TypeError(`“${source}”: there is no ${name}`)
  return { percentile }
}
