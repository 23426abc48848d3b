// Messages that are kept: published into a history, and answered when they are stored. Any number are under way at once; answers keep
// the order of their lane. Steps 2 and 3 of the message path.
import type { StoredOutcome } from '@sluice/service/jetstream/stored-publish'
import type { Topic } from '../fanout/topic.ts'
import type { History } from '../history/history.ts'
import type { HistoryTarget } from '../history/logs.ts'
import { type KeyScope, messageId } from '../history/message-id.ts'
import type { Span } from '../trace/tracing.ts'
import { type Answer, ok, refusal, unavailable } from './answer.ts'
import type { Connection } from './connection.ts'
import { Later } from './lanes.ts'

/** What is stored, and for whom. */
export interface StoreRequest {
  readonly connection: Connection
  readonly target: HistoryTarget
  readonly scope: KeyScope
  readonly key: string | undefined
  readonly payload: Uint8Array
  readonly headers: readonly (readonly [string, string])[]
  /** The topic here, if there is one. */
  readonly topic: Topic | undefined
  /** The publisher is a member that does not want to hear it: its `ok` takes the place of the message. */
  readonly unheard: boolean
  /** Ends when NATS has answered. */
  readonly span: Span | null
}

/** A message that its publisher does not hear should come by within this time of its acknowledgement. */
const PLACE_WAIT_MS = 2000

/** Stores a message. */
export function store(request: StoreRequest, history: History): Later<Answer> {
  const { connection, target, scope, key, payload, headers, topic, unheard, span } = request
  const answer = new Later<Answer>()
  const id = messageId(scope, key)
  const epoch = (): string | undefined => history.epochOf(topic)
  const expected = unheard && history.echoes.expect(id, connection, answer, epoch)

  function settle(outcome: StoredOutcome): void {
    const told = answerOf(outcome, epoch())
    span?.end(told.ok ? null : told.code, told.ok ? told.fields.offset : undefined)
    if (!expected || outcome.kind !== 'stored' || outcome.duplicate) {
      history.echoes.forget(id, answer)
      answer.settle(told)
      return
    }
    // Its place comes with the copy for the other members, which may have been before.
    setTimeout(() => {
      history.echoes.forget(id, answer)
      answer.settle(told)
    }, PLACE_WAIT_MS).unref()
  }

  void history.store({ subject: target.publishSubject, payload, headers, messageId: id }).then(settle)
  return answer
}

function answerOf(outcome: StoredOutcome, epoch: string | undefined): Answer {
  switch (outcome.kind) {
    case 'stored':
      return ok({
        offset: outcome.offset,
        ...(epoch === undefined ? {} : { epoch }),
        ...(outcome.duplicate ? { duplicate: true } : {}),
      })
    case 'denied':
      return refusal('forbidden', 'NATS does not permit it')
    case 'too-large':
      return refusal('too_large', 'data: the history takes no message of this size')
    case 'unknown':
      return unavailable('the message may have been stored or not: send it again with the same key')
  }
}
