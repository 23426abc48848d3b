// Compressed messages of clients, inflated without keeping anything for a connection: one call of zlib for a whole message, on the loop
// and so one at a time, bounded in what comes out. Takes the place of ws's own inflater, which keeps a stream for each connection.
// Step 1 of the message path.
import { constants, inflateRawSync } from 'node:zlib'

/** What the inflation counts. */
export interface InflationCounters {
  /** Open sockets that have negotiated compression. Goes up and down. */
  compressedSockets: number
  /** Compressed messages of clients, by what came of them. */
  readonly inflations: { add(label: string): void }
}

/** What came of a message that cannot be taken. */
export type InflationFault = 'too_large' | 'malformed'

/**
 * What a sender has cut off behind a message (RFC 7692, 7.2.2), and an empty last block: with it zlib proves that the message has ended
 * between two blocks, where it would take one that was cut off within a block for whole.
 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x03, 0x00])
/**
 * What zlib is given to write to at once; the message is a view of it. Its own default of 16 KiB would be that much garbage for each
 * short message.
 */
const CHUNK_BYTES_MIN = 1024
const CHUNK_BYTES_MAX = 16_384
const CHUNK_RATIO = 4
/** Blocks within a message that call themselves the last, which is allowed: each begins zlib anew. */
const LAST_BLOCKS_MAX = 8

/**
 * Inflates one message.
 *
 * @param parts - payloads of its frames
 */
export function inflateMessage(parts: readonly Uint8Array[], bytesMax: number): Buffer | InflationFault {
  let input = Buffer.concat([...parts, TAIL])
  const output: Buffer[] = []
  let left = bytesMax
  try {
    for (let runs = 0; runs <= LAST_BLOCKS_MAX; runs++) {
      const { buffer, engine } = inflateRawSync(input, {
        ...INFLATE,
        chunkSize: Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, input.length * CHUNK_RATIO)),
        // At least 1: zero would be no bound to zlib.
        maxOutputLength: Math.max(1, left),
      }) as unknown as Inflated
      left -= buffer.length
      if (left < 0) return 'too_large'
      output.push(buffer)
      if (engine.bytesWritten >= input.length) return output.length === 1 ? buffer : Buffer.concat(output)
      input = input.subarray(engine.bytesWritten)
    }
    return 'malformed'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'malformed'
  }
}

const INFLATE = { info: true, finishFlush: constants.Z_FINISH } as const

/** With `info`, which the types do not know of: how much of the input was read. */
interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** What ws's receiver calls for a frame of a compressed message, in the place of its own extension. */
export interface Inflation {
  decompress(data: Buffer, fin: boolean, callback: (error: Error | null, inflated: Buffer) => void): void
  cleanup(): void
  /** The socket is read again, or will not be any more. */
  proceed(): void
}

/** See {@link createInflation}. */
export interface InflationOptions {
  readonly bytesMax: number
  readonly counters: InflationCounters
  /** Whether messages are still wanted: a socket that we are closing may have many more of them under way. */
  readonly isOpen: () => boolean
  /** Whether reading is stopped. What one read has brought waits compressed then: inflated it may be a thousand times as much. */
  readonly isPaused: () => boolean
  /** Called before the fault is given to ws, which knows no close code for it. */
  readonly onFault: (code: 1007 | 1009) => void
}

const NOTHING = Buffer.alloc(0)
const FAULTS = {
  too_large: { code: 1009, error: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' },
  malformed: { code: 1007, error: 'WS_ERR_INVALID_DEFLATE' },
} as const

/** Makes what one connection needs: the parts of a message that has not ended, which ws bounds in number and bytes. */
export function createInflation({ bytesMax, counters, isOpen, isPaused, onFault }: InflationOptions): Inflation {
  let parts: Buffer[] | null = null
  let waiting: (() => void) | null = null

  function take(data: Buffer, fin: boolean, callback: Parameters<Inflation['decompress']>[2]): void {
    if (!isOpen()) return callback(null, NOTHING)
    if (isPaused()) {
      waiting = () => take(data, fin, callback)
      return
    }
    parts = parts === null ? [data] : [...parts, data]
    if (!fin) return callback(null, NOTHING)
    const message = inflateMessage(parts, bytesMax)
    parts = null
    counters.inflations.add(typeof message === 'string' ? message : 'inflated')
    if (typeof message !== 'string') return callback(null, message)
    const { code, error } = FAULTS[message]
    onFault(code)
    callback(Object.assign(new Error(`a compressed message is ${message}`), { code: error }), NOTHING)
  }

  function proceed(): void {
    if (waiting === null) return
    setImmediate(waiting)
    waiting = null
  }

  return {
    decompress(data, fin, callback) {
      // One in a turn of the loop for each connection: who sends many in one packet leaves the turns between to others.
      setImmediate(take, data, fin, callback)
    },
    proceed,
    cleanup() {
      parts = null
    },
  }
}
