// Puts together the way of a message from NATS to the queues of connections: topics, which hear it, deliveries, which link it, and
// queues, which are written. Steps 4 and 5 of the message path.
import type { Namespaces } from '@sluice/proto'
import type { Clock } from '@sluice/service/clock'
import type { Logger } from '@sluice/service/log'
import type { Throttle } from '@sluice/service/throttle'
import type { Backplane } from '../backplane/backplane.ts'
import type { RunningHistory } from '../history/start-history.ts'
import type { Counters } from '../metrics/counters.ts'
import { createDeflater, type Deflater, type DeflaterOptions } from '../outbound/deflater.ts'
import { createOutbox, type Outbox } from '../outbound/outbox.ts'
import type { Connection } from '../session/connection.ts'
import { traceDeliver } from '../trace/traced-deliver.ts'
import type { Tracing } from '../trace/tracing.ts'
import { createDeliver, type Deliver, type DeliverOptions } from './deliver.ts'
import { buildLossNotice, dropsFor } from './slow-readers.ts'
import { createTopics, type Topics } from './topics.ts'
import { deliverTo, wildcardOver } from './wildcards.ts'

/** See {@link createFanout}. */
export interface FanoutOptions {
  readonly backplane: Backplane
  readonly queueBytesMax: number
  readonly compression: Pick<DeflaterOptions, 'minBytes' | 'level'>
  readonly clock: Clock
  /** Null while nothing is kept, and until it has begun. */
  readonly history: () => RunningHistory | null
  /** Null where nothing is traced. */
  readonly tracing: Tracing | null
  /** What holds now: they may change while the gateway runs. */
  readonly namespaces: () => Namespaces
  readonly onReceipt: DeliverOptions['onReceipt']
  /** A connection does not read what waits for it, and is to be closed. */
  readonly onSlow: (connection: Connection) => void
  readonly log: Logger
  readonly throttle: Throttle
  readonly counters: Counters
}

/** What delivers messages to connections. */
export interface Fanout {
  readonly topics: Topics
  readonly deliver: Deliver
  readonly outbox: Outbox
  readonly deflater: Deflater
}

/** 512 flushes take some three milliseconds, after which NATS, timers and small rooms have their turn. */
const SLICE = 512
const SLICED_MESSAGES_MAX = 256
/** How many looks at empty rooms a room outlives; the core looks once a second. */
const LINGER_SWEEPS = 5

/** Makes it. */
export function createFanout(options: FanoutOptions): Fanout {
  const { backplane, counters, log, throttle, history, tracing } = options
  const outbox = createOutbox({
    queueBytesMax: options.queueBytesMax,
    flushesPerTurn: SLICE,
    counters,
    notice: buildLossNotice,
    onOverflow: (connection) => {
      counters.slowConsumers++
      options.onSlow(connection as Connection)
    },
  })
  const deflater = createDeflater({ ...options.compression, nowMs: options.clock.monotonicMs, counters })
  const linked = createDeliver({
    outbox,
    deflater,
    sliceMembers: SLICE,
    slicedMessagesMax: SLICED_MESSAGES_MAX,
    counters,
    onUnencodable: (about) => {
      counters.payloadsDropped.add('msgpack')
      if (throttle('msgpack') !== null) log.warn({ about }, 'a message could not be encoded as msgpack')
    },
    onReceipt: options.onReceipt,
    answerPublisher: (member, message) => history()?.session.echoes.answer(member, message) ?? false,
  })
  const deliver = traceDeliver(linked, tracing)
  const topics: Topics = createTopics({
    backplane,
    deliver: (topic, message, subject) => deliverTo(deliver, topics, topic, message, subject),
    onOpened: (topic) => history()?.opened(topic),
    onClosed: (topic) => history()?.closed(topic),
    drops: (about) => dropsFor(options.namespaces(), about),
    onJoined: (member, topic) => outbox.keep(member, topic),
    onLeaving: (member, topic) => {
      if (wildcardOver(topics, member, topic) === undefined) return
      // The wildcard has passed over for the room's sake what the room has still to bring.
      deliver.settle(topic)
      history()?.session.leaving(member, topic)
    },
    lingerSweeps: LINGER_SWEEPS,
  })
  return { topics, deliver, outbox, deflater }
}
