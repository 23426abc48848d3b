// What the parts of the benchmark stand on: a nats-server of their own, a source, a sink for each server, a secret; all of it gone when
// the part ends.
import { randomBytes } from 'node:crypto'
import { type Sink, startNodeSink } from './measure/sink-process.ts'
import { connectSource, type Source } from './measure/source.ts'
import { startNatsServer } from './servers/nats-server.ts'
import { Processes } from './servers/processes.ts'
import type { BenchServer } from './servers/server.ts'
import { type Crowd, compileCrowd, startCrowd } from './sink/crowd-process.ts'
import type { ClientPlan } from './sink/orders.ts'

/** What every part is run with. */
export interface PartOptions {
  /** Fewer and shorter slices. */
  readonly quick: boolean
  /** Which sink holds the clients; C where a compiler is, if unset. */
  readonly sink: 'c' | 'node' | null
  /** Another gateway's `main.ts`, measured in the same run, or null. */
  readonly against: string | null
  /** A folder for a CPU profile of the gateway, or null. */
  readonly profiles: string | null
  /** Whether peers that are no dependencies are measured too. */
  readonly peers: boolean
  /** Connections of the part that has so many that a machine decides. */
  readonly connections: number | null
  /** Told what is under way. */
  readonly say: (sentence: string) => void
}

/** A floor. */
export interface Floor extends AsyncDisposable {
  readonly processes: Processes
  readonly natsPort: number
  readonly source: Source
  /** HS256. */
  readonly secret: string
  /** The sink that holds a server's clients: one process for each server, as it has descriptors. */
  sinkOf(server: BenchServer): Sink
  /** Opens clients of a server: for each its rooms. Gives the time that it took, in milliseconds. */
  open(server: BenchServer, roomsOf: readonly (readonly number[])[]): Promise<number>
  /**
   * A sink in C, for what Node cannot do.
   *
   * @throws NoCompiler where there is none
   */
  crowd(): Promise<Crowd>
}

/** A part cannot be run here, as it needs a sink in C. */
export class NoCompiler extends Error {
  constructor() {
    super('no C compiler is here, and a sink in Node would be what is measured')
  }
}

let floor: Processes | null = null

/** Ends the processes of whatever part is under way: for signals. */
export async function clearFloor(): Promise<void> {
  await floor?.stop()
}

/** Starts one. */
export async function startFloor(options: Pick<PartOptions, 'say' | 'sink'>): Promise<Floor> {
  const { say, sink } = options
  const processes = new Processes()
  floor = processes
  try {
    const { ready: natsPort } = await startNatsServer(processes, say)
    const source = await connectSource(natsPort)
    const program = sink === 'node' ? null : await compileCrowd()
    if (program === null && sink === 'c') throw new NoCompiler()
    return layFloor({ processes, natsPort, source, program })
  } catch (error) {
    await processes.stop()
    throw error
  }
}

function layFloor(on: {
  readonly processes: Processes
  readonly natsPort: number
  readonly source: Source
  readonly program: string | null
}): Floor {
  const { processes, natsPort, source, program } = on
  const sinks = new Map<string, Sink>()
  const crowd = (): Promise<Crowd> => {
    if (program === null) throw new NoCompiler()
    return startCrowd(processes, program)
  }
  return {
    processes,
    natsPort,
    source,
    secret: randomBytes(32).toString('hex'),
    crowd,
    sinkOf: ({ name }) => {
      const sink = sinks.get(name)
      if (sink === undefined) throw new Error(`${name} has no clients`)
      return sink
    },
    async open(server, roomsOf) {
      const sink = sinks.get(server.name) ?? (program === null ? await startNodeSink(processes) : await crowd())
      sinks.set(server.name, sink)
      const plans: ClientPlan[] = []
      for (const [at, rooms] of roomsOf.entries()) plans.push(await server.clientOf(at, rooms))
      const { linesAreMessages = false } = server
      if (linesAreMessages && program === null) throw new NoCompiler()
      return sink.open(server.name, server.port, plans, { linesAreMessages })
    },
    async [Symbol.asyncDispose]() {
      await source.close()
      await processes.stop()
    },
  }
}
