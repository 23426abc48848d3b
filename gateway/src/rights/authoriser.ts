// Asks a service whether a user may do something. Only a clear yes allows; no answer, a late one and a malformed one refuse, each with
// its own code. Keeps nothing.
import {
  AUTHORIZE_WAIT_MS,
  type AuthorizedAction,
  type AuthorizeQuestion,
  decodeAuthorizeAnswer,
  encodeAuthorizeQuestion,
  type GivenRight,
  type Payload,
  type Room,
  type Subjects,
} from '@sluice/proto'
import type { Principal } from '../accept/authenticate/principal.ts'
import type { ServiceAsks } from '../backplane/service-asks.ts'
import { type Refusal, refusal } from '../session/answer.ts'
import { askRefusal } from '../session/ask-refusal.ts'
import type { Connection } from '../session/connection.ts'

/** See {@link createAuthoriser}. */
export interface AuthoriserOptions {
  readonly asks: Pick<ServiceAsks, 'ask'>
  readonly subjects: Subjects
  readonly counters: { readonly authorizations: { add(label: string): void } }
}

/** What is to be published, for the service to look at. */
export interface Publishing {
  readonly payload: Payload
  readonly event: string | undefined
}

/** Asks services; never rejects. */
export interface Authoriser {
  /** @param principal - who it will be, if it may */
  connect(connection: Connection, principal: Principal): Promise<GivenRight | Refusal>
  room(
    action: AuthorizedAction,
    connection: Connection,
    room: Room,
    publishing?: Publishing,
  ): Promise<GivenRight | Refusal>
}

/** Makes it. */
export function createAuthoriser({ asks, subjects, counters }: AuthoriserOptions): Authoriser {
  async function ask(
    owner: Connection,
    principal: Principal | null,
    subject: string,
    what: string,
    question: Omit<AuthorizeQuestion, 'user' | 'session' | 'claims'>,
  ): Promise<GivenRight | Refusal> {
    if (principal === null) return refusal('unauthorized', 'sign in first')
    const { session } = owner
    const { user, claims } = principal
    const payload = encoder.encode(encodeAuthorizeQuestion({ user, session, claims, ...question }))
    const asked = await asks.ask({ owner, subject, payload, headers: [], waitMs: AUTHORIZE_WAIT_MS })
    if (asked.kind !== 'answered') {
      counters.authorizations.add(asked.kind)
      const { code, message, retryAfterMs } = askRefusal(asked, what)
      return { ok: false, code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
    }
    const answer = asked.message.binary ? null : decodeAuthorizeAnswer(asked.message.payload)
    counters.authorizations.add(answer === null ? 'malformed' : answer.allow ? 'allowed' : 'refused')
    if (answer === null) return refusal('service_error', `${what}: the answer of the service is malformed`)
    return answer.allow ? answer.right : refusal('forbidden', answer.reason ?? `${what}: refused by the service`)
  }

  return {
    connect: (connection, principal) => ask(connection, principal, subjects.authorizeConnect(), 'connect', {}),
    room: (action, connection, room, publishing) =>
      ask(connection, connection.principal, subjects.authorize(action, room.namespace), action, {
        room: room.name,
        ...publishing,
      }),
  }
}

const encoder = new TextEncoder()
