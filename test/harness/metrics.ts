// Reads the text format of Prometheus, as far as our processes write it.

/** All numbers of one scrape. */
export interface Metrics {
  /** One number; 0 where there is none, as a counter that never counted is not told. Names without the tier's prefix. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** All numbers of a metric together. */
  sum(name: string): number
}

const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/

/**
 * Parses the text of a scrape.
 *
 * @param prefix - of the tier: what names may leave out
 */
export function parseMetrics(text: string, prefix = 'sluice_gateway_'): Metrics {
  const samples = text.split('\n').flatMap((line) => {
    const match = sample.exec(line)
    if (match === null || line.startsWith('#')) return []
    return [{ name: match[1] ?? '', labels: parseLabels(match[2] ?? ''), value: Number(match[3]) }]
  })
  const of = (name: string) => samples.filter((one) => one.name === name || one.name === prefix + name)
  return {
    value: (name, labels = {}) =>
      of(name).find((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value))?.value ?? 0,
    sum: (name) => of(name).reduce((total, { value }) => total + value, 0),
  }
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => [label, value]))
}
