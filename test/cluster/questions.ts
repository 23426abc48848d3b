// Load for routers: questions of services about a thousand rooms at once, asked in a pod that NATS lets in. Judges nothing.

const SECONDS = 10
const AT_ONCE = 8
const ROOMS = Array.from({ length: 1000 }, (_, at) => `chat:asked-${at}`)

/** A script of Node that asks for ten seconds, and prints how many answers have come. */
export const QUESTIONS_SCRIPT = `
  const ask = async () => {
    const { connect } = await import('@nats-io/transport-node')
    const nats = await connect({ servers: process.env.SLUICE_NATS_URL.split(',') })
    const question = JSON.stringify({ rooms: ${JSON.stringify(ROOMS)} })
    const endsAt = Date.now() + ${SECONDS * 1000}
    let answers = 0
    await Promise.all(Array.from({ length: ${AT_ONCE} }, async () => {
      for (; Date.now() < endsAt; answers++) await nats.request('sluice.api.count', question, { timeout: 5000 })
    }))
    await nats.close()
    console.log(answers)
  }
  ask()`
