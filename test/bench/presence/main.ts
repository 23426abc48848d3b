// `node test/bench/presence/main.ts [writes] [queries] [memory]`: what presence costs. Writes of gateways, the time of a question, memory
// of a connection and of a member; the figures of deploy/sizing.md. Bounded to two minutes.
import { runEnvironment } from '../environment.ts'
import { startPresenceCluster } from './cluster.ts'
import { type MemoryPlan, measureMemory, type PresenceUse } from './memory.ts'
import { measureQueries } from './queries.ts'
import { memoryAsText, queriesAsText, writesAsText } from './report.ts'
import { measureWrites } from './writes.ts'

const RUN_MS_MAX = 120_000

const WRITES = {
  sockets: [500, 1000, 2000, 4000],
  changedRooms: [10, 40, 160, 640],
  rounds: 4,
  roundMs: 800,
  restMs: 5000,
}
const QUERIES = { members: 200, questions: 1000, publishesPerSecond: 50, changesPerSecond: 100 }
/** Big rooms; rooms of two, on one gateway and on two: what a room and an entry cost beside their members. */
const MEMORY: readonly (MemoryPlan & { readonly use: PresenceUse })[] = [
  { use: 'off', from: 800, to: 2800, roomMembers: 50, gateways: 1 },
  { use: 'on', from: 800, to: 2800, roomMembers: 50, gateways: 1 },
  { use: 'watched', from: 800, to: 2800, roomMembers: 50, gateways: 1 },
  { use: 'on', from: 800, to: 2800, roomMembers: 2, gateways: 1 },
  { use: 'on', from: 800, to: 2800, roomMembers: 2, gateways: 2 },
]

const late = setTimeout(() => {
  console.error('the run takes longer than two minutes: the machine is too busy for these figures')
  process.exit(1)
}, RUN_MS_MAX)

const parts = process.argv.slice(2)
const wanted = (part: string): boolean => parts.length === 0 || parts.includes(part)
const say = (text: string): void => console.log(text)

async function run(): Promise<void> {
  if (wanted('writes') || wanted('queries')) {
    await using cluster = await startPresenceCluster(2)
    const { machine, system, node, natsServer, commit } = await runEnvironment(new Date())
    say(`commit ${commit}\n${machine}, ${system}\nnode ${node}, nats-server ${natsServer}\n`)
    if (wanted('writes')) say(writesAsText(await measureWrites(cluster, WRITES)))
    if (wanted('queries')) say(queriesAsText(await measureQueries(cluster, QUERIES)))
  }
  if (!wanted('memory')) return
  for (const { use, ...plan } of MEMORY) say(memoryAsText(await measureMemory(use, plan), plan))
}

await run()
clearTimeout(late)
