// A backend service of the tests: a plain NATS client that answers requests, as one in any language would.
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node'

/** What a service answers: a payload, perhaps with headers. Undefined answers nothing. */
export type ServiceAnswer =
  | string
  | Uint8Array
  | { readonly payload: string | Uint8Array; readonly headers: Readonly<Record<string, string>> }
  | undefined

/** A service that runs. */
export interface Service {
  /** What it was asked, in order. */
  readonly asked: Msg[]
  /** The last question as JSON. */
  last(): Record<string, unknown>
  /** Changes what it answers from now on. */
  answers(answer: (message: Msg) => ServiceAnswer | Promise<ServiceAnswer>): void
  /** Stops to listen. */
  stop(): Promise<void>
}

/** Begins to answer; resolves when the server knows of it. */
export async function serve(
  client: NatsConnection,
  subject: string,
  answer: (message: Msg) => ServiceAnswer | Promise<ServiceAnswer>,
  queue?: string,
): Promise<Service> {
  const asked: Msg[] = []
  let answers = answer
  const subscription = client.subscribe(subject, {
    ...(queue === undefined ? {} : { queue }),
    callback: (_, message) => {
      asked.push(message)
      void Promise.resolve(answers(message)).then((given) => respond(message, given))
    },
  })
  await client.flush()
  return {
    asked,
    last: () => asked.at(-1)?.json() ?? {},
    answers: (next) => {
      answers = next
    },
    async stop() {
      subscription.unsubscribe()
      await client.flush()
    },
  }
}

function respond(message: Msg, answer: ServiceAnswer): void {
  if (answer === undefined) return
  if (typeof answer === 'string' || answer instanceof Uint8Array) return void message.respond(answer)
  const given = headers()
  for (const [name, value] of Object.entries(answer.headers)) given.set(name, value)
  message.respond(answer.payload, { headers: given })
}
