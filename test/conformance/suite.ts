// A run: which checks are for this server, a few of them at a time, each on a bench of its own, and how each ended. Prints nothing.
import { randomBytes } from 'node:crypto'
import { Bench } from './bench.ts'
import type { Check, Need } from './check.ts'
import { Broken, NotRun } from './expectation.ts'
import type { Encoding } from './frame-codec.ts'
import { Observations } from './observation.ts'
import { type Offer, probe, type Target } from './target.ts'

/** How a check ended. */
export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly expected: string; readonly came: string }
  | { readonly kind: 'not offered'; readonly features: readonly string[] }
  | { readonly kind: 'not run'; readonly reason: string }

/** A check and its end, in one encoding. */
export interface Result {
  readonly check: Check
  readonly encoding: Encoding
  readonly outcome: Outcome
  readonly ms: number
}

/** What is run. */
export interface SuiteOptions {
  readonly target: Target
  readonly checks: readonly Check[]
  readonly encodings: readonly Encoding[]
  /** Leaves slow checks out. */
  readonly quick?: boolean
  /** Only checks of these clauses. */
  readonly only?: readonly string[]
  /** Told of each result as it comes. */
  readonly onResult?: (result: Result) => void
}

/** Checks that run at once: most of them wait. Few, so that none meets the rates that bound one address. */
const CHECKS_AT_ONCE = 4
const CHECK_MS = 180_000

/** Runs the checks against the server, one encoding after the other. */
export async function runSuite(options: SuiteOptions): Promise<Result[]> {
  const results: Result[] = []
  for (const [at, encoding] of options.encodings.entries()) {
    results.push(...(await runEncoding(options, encoding, at === 0)))
  }
  return results
}

async function runEncoding(options: SuiteOptions, encoding: Encoding, first: boolean): Promise<Result[]> {
  const { target, onResult } = options
  const offer = await probe(target, encoding)
  const observations = new Observations()
  const run = randomBytes(3).toString('hex')
  const results: Result[] = []
  let started = 0
  const perform = async (check: Check): Promise<void> => {
    const obstacle = obstacleTo(check, offer, options)
    const since = performance.now()
    started++
    const bench = (): Bench => new Bench(target, offer, encoding, observations, `c${run}-${started}-`)
    const outcome = obstacle ?? (await outcomeOf(check, bench()))
    const result = { check, encoding, outcome, ms: Math.round(performance.now() - since) }
    results.push(result)
    onResult?.(result)
  }
  const wanted = options.checks.filter((check) => isFor(check, encoding, first) && isWanted(check, options.only))
  const last = wanted.filter((check) => check.last)
  const alone = wanted.filter((check) => check.alone && !check.last)
  const others = wanted.filter((check) => !check.last && !check.alone)
  // What takes longest begins first, so that it is over when the others are.
  const queue = [...others.filter(({ slow }) => slow), ...others.filter(({ slow }) => !slow)]
  const worker = async (): Promise<void> => {
    for (let check = queue.shift(); check !== undefined; check = queue.shift()) await perform(check)
  }
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, worker))
  for (const check of [...alone, ...last]) await perform(check)
  return results
}

function isFor({ encodings = 'each' }: Check, encoding: Encoding, first: boolean): boolean {
  return encodings === 'each' || encodings === encoding || (encodings === 'once' && first)
}

function isWanted({ clauses }: Check, only: readonly string[] | undefined): boolean {
  return only === undefined || clauses.some((clause) => only.includes(clause))
}

/** Why a check is not tried; null if it is. */
function obstacleTo(check: Check, offer: Offer, { target, quick = false }: SuiteOptions): Outcome | null {
  const missing = (check.features ?? []).filter((feature) => !offer.features.includes(feature))
  if (missing.length > 0) return { kind: 'not offered', features: missing }
  const replaced = (check.unless ?? []).find((feature) => offer.features.includes(feature))
  if (replaced !== undefined) return { kind: 'not run', reason: `the server offers ${replaced}` }
  const unnamed = (check.namespaces ?? []).find((role) => target.namespaces[role] === null)
  if (unnamed !== undefined) return { kind: 'not run', reason: `no namespace “${unnamed}” was named` }
  if (quick && check.slow) return { kind: 'not run', reason: 'it is slow' }
  for (const need of check.needs ?? []) {
    const reason = lack(need, target, offer)
    if (reason !== null) return { kind: 'not run', reason }
  }
  return null
}

function lack(need: Need, target: Target, offer: Offer): string | null {
  switch (need) {
    case 'nats':
      return target.nats === null ? 'it needs --nats-url' : null
    case 'secret':
      return target.issuer.sign === null ? 'it needs --secret-file' : null
    case 'origin':
      return target.origin === null ? 'it needs --origin' : null
    case 'sign-in':
      return offer.anonymous ? 'the server lets in whoever has no token' : null
    case 'anonymous':
      return offer.anonymous ? null : 'the server lets in nobody without a token'
  }
}

async function outcomeOf(check: Check, bench: Bench): Promise<Outcome> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Broken('an end of the check', `none within ${CHECK_MS} ms`)), CHECK_MS)
  try {
    await Promise.race([check.run(bench), late])
    return { kind: 'passed' }
  } catch (error) {
    if (error instanceof NotRun) return { kind: 'not run', reason: error.message }
    if (error instanceof Broken) return { kind: 'failed', expected: error.expected, came: error.came }
    return { kind: 'failed', expected: 'the check to be carried out', came: String(error) }
  } finally {
    clearTimeout(timer)
    await bench[Symbol.asyncDispose]()
  }
}
