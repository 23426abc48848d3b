// Publishes what a service asks for: stored messages under an id by which their stream knows them again, live ones under one of which
// gateways take notice once. So both owners of a shard publish, and whichever answers first has the answer.
import { type ApiRequestOf, HEADER_REQUEST, type Subjects } from '@sluice/proto'
import { historyState } from '@sluice/service/jetstream/history-state'
import { hasStoredHeader } from '@sluice/service/jetstream/stored-headers'
import type { StoredOutcome, StoredPublish } from '@sluice/service/jetstream/stored-publish'
import type { Link } from '@sluice/service/nats/link'
import type { ApiFailure, ApiReply } from '../api/api-reply.ts'
import type { Known } from '../api/known.ts'
import { messageOf, type PublishMessage } from './publish-message.ts'
import { type PublishSettings, type PublishTarget, publishShard, publishTargets } from './publish-targets.ts'
import { gatherReceipts } from './receipts.ts'
import { digestOf } from './request-id.ts'

/** See {@link publish}. */
export interface PublishOptions {
  readonly nats: Pick<Link, 'connected' | 'publish' | 'subscribe' | 'request' | 'inbox' | 'confirm' | 'takeDenial'>
  readonly subjects: Subjects
  readonly known: Pick<Known, 'holds' | 'gateways'>
  /** What holds now. */
  readonly settings: () => PublishSettings & { readonly limits: { readonly payloadBytesMax: number } }
  readonly store: (publish: StoredPublish) => Promise<StoredOutcome>
}

/** Messages of one request that wait for their stream at once. */
const STORING_MAX = 32

const AWAY: ApiFailure = { code: 'unavailable', message: 'NATS is away' }
const DENIED: ApiFailure = { code: 'forbidden', message: 'NATS does not permit it' }
const TOO_LARGE: ApiFailure = { code: 'too_large', message: 'data: the history takes no message of this size' }
const UNKNOWN: ApiFailure = {
  code: 'unavailable',
  message: 'the message may have been stored or not: ask again with the same Nats-Msg-Id or key',
}

/** What became of one message. */
type Outcome = { readonly offset?: number; readonly duplicate?: boolean } | ApiFailure

/** Publishes; null where the owners of another shard do. */
export async function publish(
  request: ApiRequestOf<'publish'>,
  raw: Uint8Array,
  id: string,
  options: PublishOptions,
): Promise<ApiReply> {
  const { scope, shard } = publishShard(request)
  if (!options.known.holds(scope, shard)) return null
  const settings = options.settings()
  const targets = publishTargets(request, settings)
  if ('code' in targets) return targets
  const message = messageOf(request, raw, { id, payloadBytesMax: settings.limits.payloadBytesMax })
  if ('code' in message) return message
  const receipts = request.receipt === true ? gatherReceipts(id, askingOf(options)) : null
  try {
    const outcomes = await publishAll(targets, message, { id, key: request.key }, options)
    const answer = await answerOf(request, targets, outcomes, options)
    if (receipts === null || 'code' in answer) return answer
    // A message that was stored before is delivered to nobody now.
    const news = targets.filter((_, at) => isNews(outcomes[at]))
    return { body: { ...answer.body, receipt: await receipts.receipt(news) } }
  } finally {
    receipts?.stop()
  }
}

function isNews(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && !('code' in outcome) && outcome.duplicate !== true
}

function askingOf({ nats, subjects, known }: PublishOptions) {
  return { nats, subjects, gateways: known.gateways }
}

async function answerOf(
  request: ApiRequestOf<'publish'>,
  [target]: readonly PublishTarget[],
  outcomes: readonly Outcome[],
  options: PublishOptions,
): Promise<NonNullable<ApiReply>> {
  const failure = outcomes.find((outcome): outcome is ApiFailure => 'code' in outcome)
  if (request.rooms !== undefined || request.users !== undefined) {
    const failed = outcomes.filter((outcome) => 'code' in outcome).length
    if (failure !== undefined && failed === outcomes.length) return failure
    return { body: { published: outcomes.length - failed, ...(failed === 0 ? {} : { failed }) } }
  }
  if (failure !== undefined) return failure
  const epoch = target === undefined || target.stream === null ? null : await epochOf(target.stream, options)
  return { body: { ...outcomes[0], ...(epoch === null ? {} : { epoch }) } }
}

interface Identity {
  readonly id: string
  readonly key: string | undefined
}

/** In the order of the targets. */
async function publishAll(
  targets: readonly PublishTarget[],
  message: PublishMessage,
  identity: Identity,
  options: PublishOptions,
): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(targets.length).fill(AWAY)
  const waiting = [...targets.entries()]
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [at, target] = next
      outcomes[at] = await publishOne(target, message, identity, options)
    }
  }
  await Promise.all(Array.from({ length: Math.min(STORING_MAX, targets.length) }, work))
  if (targets.some(({ stream }) => stream === null) && !(await options.nats.confirm()))
    return outcomes.map((outcome, at) => (targets[at]?.stream === null ? AWAY : outcome))
  return outcomes.map((outcome, at) => {
    const target = targets[at] as PublishTarget
    return target.stream === null && options.nats.takeDenial(target.subject) ? DENIED : outcome
  })
}

async function publishOne(
  target: PublishTarget,
  { payload, headers }: PublishMessage,
  { id, key }: Identity,
  { nats, store }: PublishOptions,
): Promise<Outcome> {
  const { kind, name, subject, stream } = target
  if (stream === null) return nats.publish(subject, payload, headers) ? {} : AWAY
  // The server's window is one for the whole stream, so what makes an id unique is part of it.
  const messageId = key === undefined ? digestOf(['request', kind, name, id]) : digestOf(['service', kind, name, key])
  const outcome = await store({ subject, payload, headers, messageId })
  switch (outcome.kind) {
    case 'stored': {
      const { offset, duplicate } = outcome
      // The other owner may have been first with this very request; without a key nobody else can have been.
      const ours =
        !duplicate || key === undefined || (await hasStoredHeader(nats, stream, offset, [HEADER_REQUEST, id]))
      return { offset, ...(ours ? {} : { duplicate: true }) }
    }
    case 'denied':
      return DENIED
    case 'too-large':
      return TOO_LARGE
    case 'unknown':
      return UNKNOWN
  }
}

/** Null where the leader does not say in time: an answer without it is better than none. */
async function epochOf(stream: string, { nats }: PublishOptions): Promise<string | null> {
  try {
    return (await historyState(nats, stream, EPOCH_WAIT_MS))?.epoch ?? null
  } catch {
    // The message is stored, whatever its history is called.
    return null
  }
}

const EPOCH_WAIT_MS = 1000
