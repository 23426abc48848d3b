// Publishes into a history that their publisher does not want to hear: its `ok` takes the place of the message in the room's order,
// so that the publisher's chain of offsets stays whole. Bounded by the requests that are in flight.

import type { Inbound } from '../backplane/inbound.ts'
import type { Member } from '../fanout/topic.ts'
import { type Answer, ok } from '../session/answer.ts'
import type { Later } from '../session/lanes.ts'

/** Those that are under way. */
export interface Echoes {
  /** A publish of a member; false if one with that id is under way. */
  expect(messageId: string, member: Member, answer: Later<Answer>, epoch: () => string | undefined): boolean
  /** The message is not coming. */
  forget(messageId: string, answer: Later<Answer>): void
  /** See `DeliverOptions.answerPublisher`. */
  answer(member: Member, message: Inbound): boolean
}

interface Expected {
  readonly member: Member
  readonly answer: Later<Answer>
  readonly epoch: () => string | undefined
}

/** Makes the list, empty. */
export function createEchoes(): Echoes {
  const expected = new Map<string, Expected>()
  return {
    expect(messageId, member, answer, epoch) {
      if (expected.has(messageId)) return false
      expected.set(messageId, { member, answer, epoch })
      return true
    },
    forget(messageId, answer) {
      if (expected.get(messageId)?.answer === answer) expected.delete(messageId)
    },
    answer(member, { messageId, place }) {
      const known = messageId === null ? undefined : expected.get(messageId)
      if (messageId === null || place === null || known?.member !== member) return false
      expected.delete(messageId)
      const { offset, prev } = place
      const epoch = known.epoch()
      return known.answer.settle(ok({ offset, prev, ...(epoch === undefined ? {} : { epoch }) }))
    },
  }
}
