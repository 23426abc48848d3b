// What the scenario of artillery cannot say in YAML: tokens, and which answer belongs to which request. A missing answer, an error of the
// gateway and an early close all fail the client, which artillery counts.
import { createHmac } from 'node:crypto'

/** The secret of local runs, which everyone knows (gateway/src/config/local-secret.ts). */
const SECRET = process.env.SLUICE_SECRET ?? 'sluice-local-secret-never-use-in-production'
const RUN = Date.now().toString(36)
const CLIENTS_IN_ROOM = 10
const MESSAGES = 50
const ANSWER_MS = 10_000
const TTL_SECONDS = 600

let clients = 0

/** Before a client connects: a user and a room of its own. */
export function signIn(wsArgs, context, done) {
  const client = clients++
  context.vars.user = `artillery-${RUN}-${client}`
  context.vars.room = `${process.env.SLUICE_NAMESPACE ?? 'chat'}:artillery-${RUN}-${Math.floor(client / CLIENTS_IN_ROOM)}`
  wsArgs.options = { ...wsArgs.options, headers: { Authorization: `Bearer ${token(context.vars.user)}` } }
  done()
}

/** From now on every frame is looked at; artillery itself looks at the next one only. */
export async function listen(context, events) {
  const heard = { answers: new Map(), own: 0, fault: null, wake: () => undefined }
  context.vars.heard = heard
  context.ws.on('message', (data) => {
    const frame = JSON.parse(String(data))
    if (frame.type === 'error') heard.fault = `${frame.code}: ${frame.message}`
    if (frame.type === 'ok') heard.answers.set(frame.id, frame)
    if (frame.type === 'gap') heard.fault = `gap: ${frame.reason}`
    if (frame.type === 'message' && frame.from === context.vars.user) {
      heard.own++
      events.emit('counter', 'sluice.own', 1)
    }
    heard.wake()
  })
  context.ws.on('close', (code) => {
    heard.fault ??= `closed with ${code}`
    heard.wake()
  })
}

/** Waits for the answer to the join. */
export async function joined(context) {
  await until(context, (heard) => heard.answers.has('join'), 'the room was not joined')
}

/** Waits for the answer to the publish that was sent last. */
export async function acknowledged(context, events) {
  const id = String(context.vars.$loopCount)
  const sentAt = performance.now()
  await until(context, (heard) => heard.answers.has(id), 'a message was not acknowledged')
  if (typeof context.vars.heard.answers.get(id).offset !== 'number')
    throw new Error('an acknowledgement without an offset')
  events.emit('counter', 'sluice.acknowledged', 1)
  events.emit('histogram', 'sluice.acknowledged_ms', performance.now() - sentAt)
}

/** Waits until all of one's own messages have come. */
export async function heardOwn(context) {
  await until(context, ({ own }) => own === MESSAGES, "one's own messages did not come")
}

function until(context, done, what) {
  const { heard } = context.vars
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => end(new Error(what)), ANSWER_MS)
    const end = (error) => {
      clearTimeout(late)
      heard.wake = () => undefined
      if (error === undefined) resolve()
      else reject(error)
    }
    heard.wake = () => {
      if (heard.fault !== null) end(new Error(heard.fault))
      else if (done(heard)) end()
    }
    heard.wake()
  })
}

function token(user) {
  const now = Math.floor(Date.now() / 1000)
  const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub: user, iat: now, exp: now + TTL_SECONDS })}`
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`
}
