// A service of a check: it answers requests on one subject of NATS as the check wants, and keeps what it was asked. As a service in any
// language would, it knows nothing but the message.
import { setTimeout as pause } from 'node:timers/promises'
import { type Msg, type MsgHdrs, headers as newHeaders } from '@nats-io/transport-node'
import type { Bench } from './bench.ts'
import { Broken } from './expectation.ts'

/** What is answered: a payload, with headers if it has some; undefined leaves the question without an answer. */
export type Reply =
  | string
  | Uint8Array
  | { readonly payload: string | Uint8Array; readonly headers: Readonly<Record<string, string>> }
  | undefined

/** How a question becomes an answer. */
export type Answering = (question: Msg) => Reply | Promise<Reply>

const POLL_MS = 10

/** A service that listens until the bench is closed. */
export class AnsweringService {
  /** What it was asked so far, in order. */
  readonly asked: Msg[] = []
  #answers: Answering
  readonly #waitMs: number

  private constructor(answers: Answering, waitMs: number) {
    this.#answers = answers
    this.#waitMs = waitMs
  }

  /** Begins to listen on a subject behind the prefix; resolves when the NATS server knows of it. */
  static async start(bench: Bench, subject: string, answers: Answering): Promise<AnsweringService> {
    const connection = await bench.service()
    const service = new AnsweringService(answers, bench.target.answerMs)
    connection.subscribe(`${bench.target.nats?.prefix}.${subject}`, {
      callback: (_, question) => {
        service.asked.push(question)
        void Promise.resolve(service.#answers(question)).then((reply) => respond(question, reply))
      },
    })
    await connection.flush()
    return service
  }

  /** Changes what it answers from now on. */
  answers(answers: Answering): void {
    this.#answers = answers
  }

  /** The question of this number, from 0, come already or within the time. */
  async question(at: number): Promise<Msg> {
    const endsAt = performance.now() + this.#waitMs
    for (;;) {
      const question = this.asked[at]
      if (question !== undefined) return question
      if (performance.now() > endsAt) throw new Broken(`question ${at + 1} to the service`, `${this.asked.length}`)
      await pause(POLL_MS)
    }
  }
}

/** Headers of NATS. */
export function headersOf(entries: Readonly<Record<string, string>>): MsgHdrs {
  const made = newHeaders()
  for (const [name, value] of Object.entries(entries)) made.set(name, value)
  return made
}

function respond(question: Msg, reply: Reply): void {
  if (reply === undefined) return
  if (typeof reply === 'string' || reply instanceof Uint8Array) question.respond(reply)
  else question.respond(reply.payload, { headers: headersOf(reply.headers) })
}
