// The fan-out under spans: one for each message that belongs to a recorded trace, from when its members are looked up to when the
// last of them has it in its queue. It begins no traces: a publish that was left out by chance would else leave its half behind.
import { LIMITS, parseRoom } from '@sluice/proto'
import type { Inbound } from '../backplane/inbound.ts'
import type { Deliver } from '../fanout/deliver.ts'
import { type Frames, liveFrames } from '../fanout/frames.ts'
import type { Topic, TopicName } from '../fanout/topic.ts'
import type { Span, SpanTarget, Tracing } from './tracing.ts'

/** The same delivery, with spans where something records them. */
export function traceDeliver(deliver: Deliver, tracing: Tracing | null): Deliver {
  if (tracing === null) return deliver

  function begin({ traceparent, place }: Inbound, target: SpanTarget, members: number): Span | null {
    if (traceparent === null) return null
    return tracing?.begin({ kind: 'fan-out', ...target, members, offset: place?.offset ?? null }, traceparent) ?? null
  }

  function framesToTopic(topic: Topic, frames: Frames, but?: Topic): void {
    const span = begin(frames.message, targetOf(topic.about), topic.members.length)
    if (span !== null) {
      frames.onLinked = () => {
        frames.onLinked = null
        span.end(null)
      }
    }
    deliver.framesToTopic(topic, frames, but)
  }

  return {
    ...deliver,
    framesToTopic,
    toTopic: (topic, message, but) => framesToTopic(topic, liveFrames(topic, message), but),
    toMember(member, about, message) {
      const span = begin(message, { target: 'session' }, 1)
      deliver.toMember(member, about, message)
      span?.end(null)
    },
  }
}

function targetOf({ kind, name }: TopicName): SpanTarget {
  if (kind === 'user') return { target: 'user' }
  const namespace = parseRoom(name, LIMITS.nameBytesMax.max)?.namespace
  return { target: 'room', ...(namespace === undefined ? {} : { namespace }) }
}
