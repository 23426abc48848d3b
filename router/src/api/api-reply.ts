// What a service gets of a router: a body, a typed error, or silence where another router answers.
import type { ErrorCode } from '@sluice/proto'

/** An error as a service gets it. */
export interface ApiFailure {
  readonly code: ErrorCode
  readonly message: string
}

/** What a service gets; null where another router answers. */
export type ApiReply = { readonly body: object } | ApiFailure | null
