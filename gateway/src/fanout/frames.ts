// The frames of one message: built when the first recipient needs them and shared by all others, live ones and those who catch up.
// Step 4 of the message path.
import type { Inbound } from '../backplane/inbound.ts'
import type { Deflater } from '../outbound/deflater.ts'
import { type Droppable, markDroppable } from '../outbound/droppable.ts'
import { buildJsonMessage, buildMsgpackMessage, buildWithheld } from './message-frame.ts'
import type { Member, Topic, TopicName } from './topic.ts'

/** A message with what was built of it; null is a frame that can't be built. */
export interface Frames {
  readonly message: Inbound
  json: Buffer | undefined
  msgpack: Buffer | null | undefined
  /** Compressed forms; the frames themselves where these are not worth it. */
  deflatedJson: Buffer | undefined
  deflatedMsgpack: Buffer | undefined
  withheldJson: Buffer | undefined
  withheldMsgpack: Buffer | undefined
  /** Every member has it in its queue. Null where nobody wants to know. */
  onLinked: (() => void) | null
  /** Marks the frames of its content; null where slow readers may not lose it. */
  droppable: Droppable | null
}

/** Whom a message is about on the wire: its topic, but for one that a wildcard hears; null for nobody. */
function whomOf(about: TopicName, { under }: Inbound): TopicName | null {
  if (under === undefined) return about
  return under.room === null ? null : { kind: 'room', name: under.room }
}

/** Frames of which none is built. */
export function createFrames(message: Inbound): Frames {
  return {
    message,
    json: undefined,
    msgpack: undefined,
    deflatedJson: undefined,
    deflatedMsgpack: undefined,
    withheldJson: undefined,
    withheldMsgpack: undefined,
    onLinked: null,
    droppable: null,
  }
}

/** The same for a live message of a topic. */
export function liveFrames(topic: Topic, message: Inbound): Frames {
  const frames = createFrames(message)
  if (topic.drops) frames.droppable = { source: topic, place: null }
  return frames
}

/**
 * The frame for those of one encoding.
 *
 * @returns null where msgpack can't say it
 */
export function frameOf(
  about: TopicName,
  frames: Frames,
  binary: boolean,
  onUnencodable: (about: TopicName) => void,
): Buffer | null {
  if (!binary && frames.json !== undefined) return frames.json
  if (binary && frames.msgpack !== undefined) return frames.msgpack
  const whom = whomOf(about, frames.message)
  if (whom === null) return null
  if (!binary) {
    frames.json = buildJsonMessage(whom, frames.message)
    return marked(frames.json, frames)
  }
  try {
    frames.msgpack = buildMsgpackMessage(whom, frames.message)
    return marked(frames.msgpack, frames)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    frames.msgpack = null
    onUnencodable(whom)
    return null
  }
}

function marked(frame: Buffer, { droppable }: Frames): Buffer {
  if (droppable !== null) markDroppable(frame, droppable)
  return frame
}

/**
 * The form of a frame that a member gets which takes compressed ones: made for the first, and shared by all.
 *
 * @param frame - of {@link frameOf} for its encoding
 */
export function deflatedFrameOf(frames: Frames, frame: Buffer, member: Member, deflater: Deflater): Buffer {
  if (frame.length > member.deflateBytesMax) return frame
  if (member.binary) {
    frames.deflatedMsgpack ??= marked(deflater.deflate(frame), frames)
    return frames.deflatedMsgpack
  }
  frames.deflatedJson ??= marked(deflater.deflate(frame), frames)
  return frames.deflatedJson
}

/**
 * The frame for those whom a stored message is kept from.
 *
 * @returns null for an ephemeral message, which has no place to tell
 */
export function withheldFrameOf(about: TopicName, frames: Frames, binary: boolean): Buffer | null {
  const { place, under } = frames.message
  const whom = whomOf(about, frames.message)
  if (place === null || whom === null) return null
  const told = { offset: place.offset, prev: under?.prev ?? place.prev }
  if (binary) {
    frames.withheldMsgpack ??= buildWithheld(whom, told, true)
    return frames.withheldMsgpack
  }
  frames.withheldJson ??= buildWithheld(whom, told, false)
  return frames.withheldJson
}
