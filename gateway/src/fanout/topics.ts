// The topics that this gateway has members for, and the subscription of each: opened for the first local member, confirmed by
// NATS before anyone is told so, closed some time after the last has gone. Step 4 of the message path.

import { isWildcard } from '@sluice/proto'
import type { Subscribed } from '@sluice/service/nats/link'
import type { Backplane } from '../backplane/backplane.ts'
import type { Inbound } from '../backplane/inbound.ts'
import { createFeeds } from './feeds.ts'
import { identityOf } from './message-identity.ts'
import {
  beginJoin,
  createTopic,
  finishJoin,
  isEmpty,
  isMember,
  leaveAll,
  leaveTopic,
  type Member,
  type Topic,
  type TopicName,
} from './topic.ts'

/** See {@link createTopics}. */
export interface TopicsOptions {
  readonly backplane: Pick<Backplane, 'connected' | 'connects' | 'confirm' | 'listen'>
  /** @param subject - on which it came: of a wildcard's messages each has that of its room */
  readonly deliver: (topic: Topic, message: Inbound, subject: string) => void
  /** A topic was opened, its subscription just sent; or closed. */
  readonly onOpened: (topic: Topic) => void
  readonly onClosed: (topic: Topic) => void
  /** A member is about to leave a topic, its connection staying. Default: nothing is done. */
  readonly onLeaving?: (member: Member, topic: Topic) => void
  /** A connection has become a member. Default: nothing is done. */
  readonly onJoined?: (member: Member, topic: Topic) => void
  /** See {@link Topic.drops}. Default: of none. */
  readonly drops?: (about: TopicName) => boolean
  /** Sweeps that an empty topic outlives: clients often leave and come back, and a subscription is known to the whole cluster. */
  readonly lingerSweeps: number
}

/** All topics of a gateway. */
export interface Topics {
  /** The topic of a subject, if anyone here has held it lately. */
  find(subject: string): Topic | undefined
  /**
   * Makes a connection a member. It must not hold the topic yet.
   *
   * @param prepare - what else must be before it receives anything, asked when our interest is confirmed; it may make the connection a
   * member itself
   * @returns whether NATS has confirmed our interest; if not, if the preparation failed, or if the connection closed meanwhile,
   * it is no member
   */
  join(
    member: Member,
    subject: string,
    about: TopicName,
    prepare?: (topic: Topic) => Promise<boolean>,
  ): Promise<boolean>
  leave(member: Member, topic: Topic): void
  /** For a connection that is gone. */
  leaveAll(member: Member): void
  /** Closes what has been empty for long enough; called at a steady pace. */
  sweep(): void
  /** All that are open. */
  readonly all: Iterable<Topic>
  /** Topics that have members here, by kind. */
  count(kind: TopicName['kind']): number
}

interface Held {
  readonly topic: Topic
  readonly subscribed: Subscribed
}

/** Makes the registry of a gateway. */
export function createTopics({
  backplane,
  deliver,
  onOpened,
  onClosed,
  onLeaving,
  onJoined,
  drops,
  lingerSweeps,
}: TopicsOptions): Topics {
  const topics = new Map<string, Held>()
  /** Those that may be empty: only they are looked at by a sweep. */
  const maybeEmpty = new Set<Topic>()
  let sweeps = 0
  const feeds = createFeeds<Inbound>({
    listen: (subject, take) => backplane.listen(subject, take),
    confirm: () => backplane.confirm(),
    identify: identityOf,
  })

  function subscribe(topic: Topic): Subscribed {
    const { subject, about } = topic
    const take = (message: Inbound, on: string): void => deliver(topic, message, on)
    if (about.kind === 'user') return backplane.listen(subject, take)
    return isWildcard(about.name) ? feeds.listenAll(subject, take) : feeds.listen(subject, take)
  }

  function hold(subject: string, about: TopicName): Held {
    const known = topics.get(subject)
    if (known !== undefined) return known
    const topic = createTopic(subject, about, drops?.(about))
    const held = { topic, subscribed: subscribe(topic) }
    topics.set(subject, held)
    onOpened(topic)
    return held
  }

  function released(topic: Topic): void {
    if (!isEmpty(topic)) return
    topic.emptySince = sweeps
    maybeEmpty.add(topic)
  }

  return {
    find: (subject) => topics.get(subject)?.topic,
    async join(member, subject, about, prepare) {
      const { topic, subscribed } = hold(subject, about)
      beginJoin(member, topic)
      // After a reconnect subscriptions were sent again, which proves nothing before NATS has answered.
      const { connects } = backplane
      const answered = topic.confirmedOn === connects ? backplane.connected : await backplane.confirm()
      const confirmed = answered && !subscribed.denied
      if (confirmed) topic.confirmedOn = connects
      let joined = false
      try {
        const prepared = confirmed && (prepare === undefined || (await prepare(topic)))
        joined = prepared && (isMember(member, topic) || finishJoin(member, topic))
      } finally {
        // A preparation that throws must not leave a member behind that is none.
        if (!joined) {
          leaveTopic(member, topic)
          released(topic)
        }
      }
      if (joined) onJoined?.(member, topic)
      return joined
    },
    leave(member, topic) {
      onLeaving?.(member, topic)
      leaveTopic(member, topic)
      released(topic)
    },
    leaveAll(member) {
      const held = member.topics.slice()
      leaveAll(member)
      for (const topic of held) released(topic)
    },
    sweep() {
      sweeps++
      for (const topic of maybeEmpty) {
        if (!isEmpty(topic)) {
          maybeEmpty.delete(topic)
        } else if (sweeps - (topic.emptySince ?? sweeps) >= lingerSweeps) {
          maybeEmpty.delete(topic)
          const held = topics.get(topic.subject)
          // Its subject may have a new topic already: a join that a close overtook releases the old one late.
          if (held?.topic !== topic) continue
          held.subscribed.unsubscribe()
          topics.delete(topic.subject)
          onClosed(topic)
        }
      }
    },
    get all() {
      return [...topics.values()].map(({ topic }) => topic)
    },
    count(kind) {
      let count = 0
      for (const { topic } of topics.values()) if (topic.about.kind === kind && !isEmpty(topic)) count++
      return count
    },
  }
}
