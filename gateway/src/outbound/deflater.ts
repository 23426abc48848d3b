// Compresses a whole frame once for all its recipients (RFC 7692, 7.2.1), on the loop, so that order holds by itself. Keeps no context and no
// memory between frames; bounds the share of time that it takes: what is over it goes out plain. Step 4 of the message path.
import { constants, deflateRawSync } from 'node:zlib'
import { frameHeaderBytes, writeFrameHeader } from './ws-frame.ts'

/** What the deflater counts. */
export interface DeflaterCounters {
  /** Frames that were to be compressed, once for all their recipients, by what came of them. */
  readonly deflations: { add(label: string): void }
  /** Bytes of frames before and after they were compressed, once for all their recipients. */
  deflatedFromBytes: number
  deflatedToBytes: number
}

/** See {@link createDeflater}. */
export interface DeflaterOptions {
  /** Frames below it go out plain. */
  readonly minBytes: number
  /** zlib's, 1 to 9. */
  readonly level: number
  readonly nowMs: () => number
  readonly counters: DeflaterCounters
}

/** Compresses frames. */
export interface Deflater {
  /**
   * The compressed form of a frame; the frame itself where that is not smaller, or there is no time for it.
   *
   * @param frame - whole, uncompressed, of text or bytes
   */
  deflate(frame: Buffer): Buffer
}

/** A quarter of the loop's time, and how much of it may be saved up: four of the slowest messages of 64 KiB that were seen. */
const SHARE = 0.25
const SAVED_MS_MAX = 25
/** One message above it holds up all others for longer than a slice of 512 members does. */
const FRAME_BYTES_MAX = 256 * 1024 + 4096
/** What ends a flush, and is left out on the wire. */
const TAIL_BYTES = 4
const RSV1 = 0x40

/** Makes the deflater of a gateway. */
export function createDeflater({ minBytes, level, nowMs, counters }: DeflaterOptions): Deflater {
  const options = { level, finishFlush: constants.Z_SYNC_FLUSH }
  let savedMs = SAVED_MS_MAX
  let lastMs = nowMs()

  return {
    deflate(frame) {
      if (frame.length < minBytes) return frame
      if (frame.length > FRAME_BYTES_MAX) {
        counters.deflations.add('too_large')
        return frame
      }
      const beginMs = nowMs()
      savedMs = Math.min(SAVED_MS_MAX, savedMs + SHARE * (beginMs - lastMs))
      lastMs = beginMs
      if (savedMs <= 0) {
        counters.deflations.add('no_time')
        return frame
      }
      const body = deflateRawSync(frame.subarray(headerBytesOf(frame)), options)
      savedMs -= nowMs() - beginMs
      const bytes = body.length - TAIL_BYTES
      const header = frameHeaderBytes(bytes)
      if (header + bytes >= frame.length) {
        counters.deflations.add('not_smaller')
        return frame
      }
      const deflated = Buffer.allocUnsafe(header + bytes)
      writeFrameHeader(deflated, (frame[0] as number) & OPCODE_BITS, bytes)
      deflated[0] = (deflated[0] as number) | RSV1
      body.copy(deflated, header, 0, bytes)
      counters.deflations.add('deflated')
      counters.deflatedFromBytes += frame.length
      counters.deflatedToBytes += deflated.length
      return deflated
    },
  }
}

const OPCODE_BITS = 0x0f

function headerBytesOf(frame: Buffer): number {
  const short = frame[1] as number
  return short < 126 ? 2 : short === 126 ? 4 : 10
}
