// All checks, in the order of the chapters. A check that is not here is not run.
import type { Check } from './check.ts'
import { ACTING_SERVICE_CHECKS } from './checks/acting-services.ts'
import { ASKED_SERVICE_CHECKS } from './checks/asked-services.ts'
import { CALL_CHECKS } from './checks/calls.ts'
import { COMPRESSION_CHECKS } from './checks/compression.ts'
import { CONNECTING_CHECKS } from './checks/connecting.ts'
import { ERROR_CHECKS } from './checks/errors.ts'
import { FRAME_CHECKS } from './checks/frames.ts'
import { HISTORY_CHECKS } from './checks/history.ts'
import { LIMIT_CHECKS } from './checks/limits.ts'
import { MEMBERSHIP_CHECKS } from './checks/membership.ts'
import { NAME_CHECKS } from './checks/names.ts'
import { PAYLOAD_CHECKS } from './checks/payloads.ts'
import { PRESENCE_CHECKS } from './checks/presence.ts'
import { PUBLISHING_CHECKS } from './checks/publishing.ts'
import { RECOVERY_CHECKS } from './checks/recovery.ts'
import { REQUEST_CHECKS } from './checks/requests.ts'
import { SERVICE_CHECKS } from './checks/services.ts'
import { SIGN_IN_CHECKS } from './checks/sign-in.ts'
import { SLOW_READER_CHECKS } from './checks/slow-readers.ts'
import { TRACE_CHECKS } from './checks/traces.ts'
import { WILDCARD_CHECKS } from './checks/wildcards.ts'

/** Every check of the suite. */
export const CHECKS: readonly Check[] = [
  ...NAME_CHECKS,
  ...CONNECTING_CHECKS,
  ...COMPRESSION_CHECKS,
  ...SIGN_IN_CHECKS,
  ...FRAME_CHECKS,
  ...REQUEST_CHECKS,
  ...MEMBERSHIP_CHECKS,
  ...PUBLISHING_CHECKS,
  ...PAYLOAD_CHECKS,
  ...SERVICE_CHECKS,
  ...LIMIT_CHECKS,
  ...SLOW_READER_CHECKS,
  ...ERROR_CHECKS,
  ...PRESENCE_CHECKS,
  ...HISTORY_CHECKS,
  ...RECOVERY_CHECKS,
  ...CALL_CHECKS,
  ...ASKED_SERVICE_CHECKS,
  ...ACTING_SERVICE_CHECKS,
  ...TRACE_CHECKS,
  ...WILDCARD_CHECKS,
]
