// The `options` of a script, read strictly: an executor, a key or a threshold that this adapter does not offer is refused by name. A run
// that silently did something else than k6 would prove nothing. The examples of `executors.ts` say what each scenario does.
import { durationMs } from './durations.ts'
import { parseThreshold, type Threshold } from './thresholds.ts'

interface Scenario {
  readonly name: string
  /** The export that is called. */
  readonly exec: string
  readonly startAfterMs: number
  /** For iterations that are still under way when the scenario is over. */
  readonly gracefulStopMs: number
}

/** Users that each do so many iterations. */
export interface PerVuIterations extends Scenario {
  readonly executor: 'per-vu-iterations'
  readonly vus: number
  readonly iterations: number
  readonly maxDurationMs: number
}

/** Users that begin anew as long as the time lasts. */
export interface ConstantVus extends Scenario {
  readonly executor: 'constant-vus'
  readonly vus: number
  readonly durationMs: number
}

/** Iterations that begin at a rate, by whoever is free. */
export interface ConstantArrivalRate extends Scenario {
  readonly executor: 'constant-arrival-rate'
  /** In each `timeUnitMs`. */
  readonly rate: number
  readonly timeUnitMs: number
  readonly durationMs: number
  readonly maxVus: number
}

/** A scenario that this adapter can run. */
export type AnyScenario = PerVuIterations | ConstantVus | ConstantArrivalRate

/** The options of a script. */
export interface ScriptOptions {
  readonly scenarios: readonly AnyScenario[]
  /** By the name of their metric. */
  readonly thresholds: ReadonlyMap<string, readonly Threshold[]>
}

type Given = Readonly<Record<string, unknown>>

/** k6's defaults. */
const GRACEFUL_STOP = '30s'
const MAX_DURATION = '10m'
const COMMON = ['executor', 'exec', 'startTime', 'gracefulStop']
const KEYS: Readonly<Record<AnyScenario['executor'], readonly string[]>> = {
  'per-vu-iterations': ['vus', 'iterations', 'maxDuration'],
  'constant-vus': ['vus', 'duration'],
  'constant-arrival-rate': ['rate', 'timeUnit', 'duration', 'preAllocatedVUs', 'maxVUs'],
}

/**
 * Reads them.
 *
 * @throws TypeError for what is not offered
 */
export function readOptions(options: unknown): ScriptOptions {
  const { scenarios, thresholds = {}, ...others } = object(options, 'options')
  onlyKeys(others, [], 'options')
  const named = Object.entries(object(scenarios, 'options.scenarios'))
  if (named.length === 0) throw new TypeError('options.scenarios names none')
  return {
    scenarios: named.map(([name, given]) => scenarioOf(name, object(given, name))),
    thresholds: new Map(
      Object.entries(object(thresholds, 'options.thresholds')).map(([metric, sources]) => {
        if (metric.includes('{')) throw new TypeError(`${metric}: thresholds of tags are not offered`)
        if (!Array.isArray(sources)) throw new TypeError(`the thresholds of ${metric} are a list`)
        return [metric, sources.map(parseThreshold)]
      }),
    ),
  }
}

function scenarioOf(name: string, given: Given): AnyScenario {
  const executor = given.executor as AnyScenario['executor']
  const keys = Object.hasOwn(KEYS, executor) ? KEYS[executor] : undefined
  if (keys === undefined) throw new TypeError(`${name}: the executor ${executor} is not offered`)
  onlyKeys(given, [...COMMON, ...keys], name)
  const duration = (key: string, fallback: string): number => durationMs(given[key] ?? fallback, `${name}.${key}`)
  const common = {
    name,
    exec: text(given.exec ?? 'default', `${name}.exec`),
    startAfterMs: duration('startTime', '0s'),
    gracefulStopMs: duration('gracefulStop', GRACEFUL_STOP),
  }
  const whole = (key: string, fallback?: number): number => wholeNumber(given[key] ?? fallback, `${name}.${key}`)
  switch (executor) {
    case 'per-vu-iterations': {
      const maxDurationMs = duration('maxDuration', MAX_DURATION)
      return { ...common, executor, vus: whole('vus', 1), iterations: whole('iterations', 1), maxDurationMs }
    }
    case 'constant-vus':
      return {
        ...common,
        executor,
        vus: whole('vus', 1),
        durationMs: durationMs(given.duration, `${name}.duration`),
      }
    case 'constant-arrival-rate':
      return {
        ...common,
        executor,
        rate: whole('rate'),
        timeUnitMs: duration('timeUnit', '1s'),
        durationMs: durationMs(given.duration, `${name}.duration`),
        maxVus: Math.max(whole('preAllocatedVUs'), whole('maxVUs', whole('preAllocatedVUs'))),
      }
  }
}

function onlyKeys(given: Given, allowed: readonly string[], name: string): void {
  const unknown = Object.keys(given).filter((key) => !allowed.includes(key))
  if (unknown.length > 0) throw new TypeError(`${name}: ${unknown.join(', ')} is not offered`)
}

function object(value: unknown, name: string): Given {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError(`${name} is no object`)
  return value as Given
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} is no text`)
  return value
}

function wholeNumber(value: unknown, name: string): number {
  if (!Number.isInteger(value) || (value as number) < 1) throw new TypeError(`${name} is a whole number from 1`)
  return value as number
}
