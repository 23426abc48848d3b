// What becomes of those who read too slowly, by namespace: which topics drop, and the frame `gap` that tells a connection what it has
// lost. Pure. Step 4 of the message path.
import { jsonCodec, LIMITS, type Namespaces, parseRoom, type ServerFrame } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import type { Loss } from '../outbound/droppable.ts'
import type { Outgoing } from '../outbound/outgoing.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'
import { nameOf } from './message-frame.ts'
import type { Member, Topic, TopicName } from './topic.ts'
import { hearsAll, namespaceHeard } from './wildcards.ts'

/** Whether slow readers of a topic lose messages; messages to a user are of no namespace, and are never lost so. */
export function dropsFor(namespaces: Namespaces, about: TopicName): boolean {
  if (about.kind !== 'room') return false
  const namespace = hearsAll(about) ? namespaceHeard(about) : parseRoom(about.name, LIMITS.nameBytesMax.max)?.namespace
  if (namespace === undefined || !Object.hasOwn(namespaces, namespace)) return false
  return namespaces[namespace]?.slowReaders === 'drop'
}

/** Takes over a changed configuration; what is queued already stays as it is. */
export function applySlowReaders(topics: Iterable<Topic>, namespaces: Namespaces): void {
  for (const topic of topics) topic.drops = dropsFor(namespaces, topic.about)
}

/** The frame that tells a member what it has lost of a topic. */
export function buildLossNotice(connection: Outgoing, { source, missed, stored }: Loss): Buffer {
  const { about } = source as Topic
  const place = stored === null ? {} : { from: stored.from, to: stored.to, epoch: stored.epoch, offset: stored.to }
  const frame: ServerFrame = { type: 'gap', ...nameOf(about), reason: 'slow', missed, ...place }
  return (connection as Member).binary
    ? buildFrame(OPCODE.binary, msgpackCodec.encodeServer(frame))
    : buildFrame(OPCODE.text, jsonCodec.encodeServer(frame))
}
