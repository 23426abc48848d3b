import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import { Tally } from '@sluice/service/metrics/tally'
import { expect, test } from 'vitest'
import { createSpanGate } from './span-gate.ts'

type Done = Parameters<SpanExporter['export']>[1]

const SPAN = {} as ReadableSpan

/** A gate before batches that go out when the test says so, to a collector that answers when it says so. */
function build(waitingMax: number) {
  const traceSpans = new Tally()
  const problems: (string | null)[] = []
  const answers: Done[] = []
  let gathered: ReadableSpan[] = []
  let send = (): void => undefined
  const gate = createSpanGate({
    waitingMax,
    counters: { traceSpans },
    onExport: (problem) => problems.push(problem),
    exporter: { export: (_, done) => answers.push(done), shutdown: async () => undefined },
    batch: (exporter) => {
      send = () => {
        exporter.export(gathered, () => undefined)
        gathered = []
      }
      return {
        onStart: () => undefined,
        onEnd: (span) => void gathered.push(span),
        forceFlush: async () => undefined,
        shutdown: async () => undefined,
      }
    },
  })
  const end = (count: number): void => {
    for (let n = 0; n < count; n++) gate.onEnd(SPAN)
  }
  return {
    gate,
    end,
    problems,
    send: () => send(),
    answer: (result: Parameters<Done>[0]): void => answers.shift()?.(result),
    counts: () => Object.fromEntries(traceSpans.entries()),
  }
}

test('spans that are under way to the collector count as waiting, and what is beyond the bound is dropped', () => {
  const { gate, end, send, answer, counts } = build(3)
  end(2)
  send()
  end(2)
  expect(gate.waiting).toBe(3)
  expect(counts()).toEqual({ dropped: 1 })
  answer({ code: 0 })
  expect(gate.waiting).toBe(1)
  end(3)
  expect(gate.waiting).toBe(3)
  expect(counts()).toEqual({ dropped: 2, exported: 2 })
})

test('a batch that the collector does not take is counted and told, and makes room', () => {
  const { gate, end, send, answer, counts, problems } = build(3)
  end(3)
  send()
  answer({ code: 1, error: new Error('Bad Request') })
  expect(gate.waiting).toBe(0)
  expect(counts()).toEqual({ failed: 3 })
  end(1)
  send()
  answer({ code: 1, error: Object.assign(new Error('none'), { message: '', code: 'ECONNREFUSED' }) })
  end(1)
  send()
  answer({ code: 0 })
  expect(problems).toEqual(['Bad Request', 'ECONNREFUSED', null])
})

test('what ends after the end is dropped', async () => {
  const { gate, end, counts } = build(3)
  await gate.shutdown()
  end(1)
  expect(gate.waiting).toBe(0)
  expect(counts()).toEqual({ dropped: 1 })
})
