// Frames of the gateway as the client reads them: field by field, when it needs one. A field of another kind than expected reads
// as absent, and what is not known is ignored, so that a newer gateway never breaks an older client [P-14.1].
import { decodeBase64 } from '@sluice/proto'
import { SLUICE_ERROR_CODES, SluiceError, type SluiceErrorCode } from './sluice-error.ts'

/** A decoded frame, or an object within one. */
export interface Frame {
  readonly [field: string]: unknown
}

/** Whether a value can be read as a frame. */
export function isFrame(value: unknown): value is Frame {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that is a text. */
export function textOf(frame: Frame, field: string): string | undefined {
  const value = frame[field]
  return typeof value === 'string' ? value : undefined
}

/** A field that is an integer from 0: offsets, instants, durations, counts. */
export function countOf(frame: Frame, field: string): number | undefined {
  const value = frame[field]
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined
}

/** A field that is a list of objects; what else stands in it is left out. */
export function framesOf(frame: Frame, field: string): Frame[] {
  const value = frame[field]
  return Array.isArray(value) ? value.filter(isFrame) : []
}

/** The payload of a message: bytes as a Uint8Array, anything else as the value that it is. */
export function payloadOf(frame: Frame): unknown {
  const { bytes } = frame
  if (typeof bytes === 'string') return decodeBase64(bytes) ?? undefined
  return bytes instanceof Uint8Array ? bytes : frame.data
}

/** An `error` frame as the error that a promise rejects with; a code that is not known is taken for `internal`. */
export function errorOf(frame: Frame): SluiceError {
  const code = textOf(frame, 'code') ?? ''
  const known = Object.hasOwn(SLUICE_ERROR_CODES, code)
  const message = textOf(frame, 'message') ?? code
  return new SluiceError(known ? (code as SluiceErrorCode) : 'internal', known ? message : `${code}: ${message}`, {
    retryAfterMs: countOf(frame, 'retryAfterMs'),
    details: frame.details,
  })
}
