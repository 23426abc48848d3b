// The frame `gap`: messages were missed and can't be recovered. One for all members of a room.
import { jsonCodec, type ServerFrame } from '@sluice/proto'
import { msgpackCodec } from '@sluice/proto/msgpack'
import { nameOf } from '../fanout/message-frame.ts'
import type { TopicName } from '../fanout/topic.ts'
import { buildFrame, OPCODE } from '../outbound/ws-frame.ts'
import type { Gap } from './log.ts'

/** A whole WebSocket frame. */
export function buildGap(about: TopicName, { reason, from, epoch, position }: Gap, binary: boolean): Buffer {
  const { offset } = position
  const frame: ServerFrame = { type: 'gap', ...nameOf(about), reason, from, to: offset, epoch, offset }
  return binary
    ? buildFrame(OPCODE.binary, msgpackCodec.encodeServer(frame))
    : buildFrame(OPCODE.text, jsonCodec.encodeServer(frame))
}
