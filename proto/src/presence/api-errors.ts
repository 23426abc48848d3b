// Errors of the services' API, as the NATS services protocol carries them: a number in a header, our own code in the body.
import * as z from 'zod/mini'
import { ERROR_CODES, type ErrorCode } from '../error-codes.ts'
import { readJson } from './versioned.ts'

/** Carries the number of {@link apiErrorNumber}: clients of the protocol turn any other text into 400. */
export const HEADER_SERVICE_ERROR_CODE = 'Nats-Service-Error-Code'

/** Carries our code and a sentence; CR or LF in it would throw, so it is one of ours. */
export const HEADER_SERVICE_ERROR = 'Nats-Service-Error'

/** The codes that have a number of their own; all others are 500. */
export const API_ERROR_NUMBERS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  rate_limited: 429,
  internal: 500,
  unsupported: 501,
  unavailable: 503,
  timeout: 504,
} as const satisfies Partial<Record<ErrorCode, number>>

/** An error as the body carries it. */
export interface ApiError {
  readonly code: ErrorCode
  /** A sentence for people. It never quotes the request. */
  readonly message: string
}

const bodySchema = z.object({ code: z.string(), message: z.string() })

/** The number of a code in the header. */
export function apiErrorNumber(code: ErrorCode): number {
  return (API_ERROR_NUMBERS as Partial<Record<ErrorCode, number>>)[code] ?? API_ERROR_NUMBERS.internal
}

/** Writes the body of an error. */
export function encodeApiError({ code, message }: ApiError): string {
  return JSON.stringify({ code, message })
}

/**
 * Reads an error.
 *
 * @param number - as the header says it; decides where the body has no code of this release
 */
export function decodeApiError(number: number, bytes: Uint8Array): ApiError {
  const parsed = bodySchema.safeParse(readJson(bytes, ERROR_BYTES_MAX))
  const message = parsed.success ? parsed.data.message : ''
  const code = parsed.success && Object.hasOwn(ERROR_CODES, parsed.data.code) ? parsed.data.code : codeOf(number)
  return { code: code as ErrorCode, message }
}

const ERROR_BYTES_MAX = 4096

function codeOf(number: number): ErrorCode {
  const found = Object.entries(API_ERROR_NUMBERS).find(([, known]) => known === number)
  return (found?.[0] as ErrorCode | undefined) ?? 'internal'
}
