// The frames of one message: built when the first recipient needs them and shared by all others, live ones and those who catch up.
// Step 4 of the message path.
import type { Inbound } from '../backplane/inbound.ts'
import { buildJsonMessage, buildMsgpackMessage, buildWithheld } from './message-frame.ts'
import type { TopicName } from './topic.ts'

/** A message with what was built of it; null is a frame that can't be built. */
export interface Frames {
  readonly message: Inbound
  json: Buffer | undefined
  msgpack: Buffer | null | undefined
  withheldJson: Buffer | undefined
  withheldMsgpack: Buffer | undefined
  /** Every member has it in its queue. Null where nobody wants to know. */
  onLinked: (() => void) | null
}

/** Frames of which none is built. */
export function createFrames(message: Inbound): Frames {
  return {
    message,
    json: undefined,
    msgpack: undefined,
    withheldJson: undefined,
    withheldMsgpack: undefined,
    onLinked: null,
  }
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
  if (!binary) {
    frames.json ??= buildJsonMessage(about, frames.message)
    return frames.json
  }
  if (frames.msgpack !== undefined) return frames.msgpack
  try {
    frames.msgpack = buildMsgpackMessage(about, frames.message)
    return frames.msgpack
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    frames.msgpack = null
    onUnencodable(about)
    return null
  }
}

/**
 * The frame for those whom a stored message is kept from.
 *
 * @returns null for an ephemeral message, which has no place to tell
 */
export function withheldFrameOf(about: TopicName, frames: Frames, binary: boolean): Buffer | null {
  const { place } = frames.message
  if (place === null) return null
  if (binary) {
    frames.withheldMsgpack ??= buildWithheld(about, place, true)
    return frames.withheldMsgpack
  }
  frames.withheldJson ??= buildWithheld(about, place, false)
  return frames.withheldJson
}
