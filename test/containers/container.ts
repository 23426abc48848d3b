// One container under test, and what is done to it: signals, pauses, cuts of its networks. Made by testcontainers, hardened as production
// runs it; ends with its stage. Knows nothing of what runs inside.
import { GenericContainer, getContainerRuntimeClient, type WaitStrategy } from 'testcontainers'
import { until } from '../harness/until.ts'
import { ownerLabels } from './owner.ts'

/** A network that containers are on, by its id. */
export interface ContainerNetwork extends AsyncDisposable {
  readonly id: string
}

/** What is started. */
export interface ContainerOptions {
  readonly image: string
  /** What the others call it on the networks. */
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Ports that this machine can reach, each with ours for it; null lets the engine choose. */
  readonly ports: Readonly<Record<number, number | null>>
  /** The network through which this machine reaches the ports. */
  readonly front: ContainerNetwork
  /** The network of the cluster: the one that is cut. */
  readonly back: ContainerNetwork
  readonly wait: WaitStrategy
  /** Files that are put into it, by path. A container with such can be written to, any other cannot. */
  readonly files?: Readonly<Record<string, string>>
}

/** A container that a test controls. */
export interface Container extends AsyncDisposable {
  readonly id: string
  readonly name: string
  /** The port of this machine for one inside. */
  port(inside: number): number
  /** What it said on both outputs, by line. */
  lines(): Promise<string[]>
  /** SIGTERM, as `docker stop` sends it; resolves with the exit code. */
  stop(timeoutSeconds?: number): Promise<number>
  signal(name: string): Promise<void>
  /** As a crash ends it. */
  kill(): Promise<void>
  /** Starts it again with what it had stored. */
  start(): Promise<void>
  /** Stops its processes without closing anything: the freezer of the kernel. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Takes it off the network of the cluster; what it publishes to this machine stays. */
  cut(): Promise<void>
  mend(): Promise<void>
  running(): Promise<boolean>
  /** What its own health check says: `starting`, `healthy` or `unhealthy`; empty where it has none. */
  health(): Promise<string>
}

/** A network of the tests; an internal one leads nowhere else, and has addresses that a container can be given back. */
export async function createNetwork(name: string, internal: boolean): Promise<ContainerNetwork> {
  const { network } = await getContainerRuntimeClient()
  const options = { Name: name, Internal: internal, Labels: ownerLabels(), CheckDuplicate: true }
  for (let attempt = 0; ; attempt++) {
    // The engine gives a chosen address only where the range was chosen, too.
    const range = { Config: [{ Subnet: `10.${213 + attempt}.${process.pid % 256}.0/24` }] }
    try {
      const made = await network.create(internal ? { ...options, IPAM: range } : options)
      return { id: made.id, [Symbol.asyncDispose]: () => network.remove(made) }
    } catch (error) {
      // Another network has this range.
      if (!internal || attempt === RANGES_MAX) throw error
    }
  }
}

const RANGES_MAX = 30

class ClusterContainer extends GenericContainer {
  readonly #back: ContainerNetwork
  readonly #name: string

  constructor({ image, name, back, front, files }: ContainerOptions) {
    super(image)
    this.#back = back
    this.#name = name
    this.hostConfig.ReadonlyRootfs = files === undefined
    this.withNetworkMode(front.id)
      .withHostname(name)
      .withLabels(ownerLabels())
      .withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withAutoRemove(false)
  }

  /** Before it runs, so that it never sees a world without its cluster. */
  protected override async containerCreated(id: string): Promise<void> {
    await connect(this.#back, id, this.#name)
  }
}

async function connect(to: ContainerNetwork, id: string, name: string, address?: string): Promise<void> {
  const { network } = await getContainerRuntimeClient()
  const fixed = address === undefined ? {} : { IPAMConfig: { IPv4Address: address } }
  await network.getById(to.id).connect({ Container: id, EndpointConfig: { Aliases: [name], ...fixed } })
}

/** Starts a container and waits as its options say. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const { name, command, env = {}, ports, back, wait, files = {} } = options
  const exposed = Object.entries(ports).map(([container, host]) =>
    host === null ? Number(container) : { container: Number(container), host },
  )
  const runtime = await getContainerRuntimeClient()
  const started = await new ClusterContainer(options)
    .withCommand([...command])
    .withEnvironment({ ...env })
    .withExposedPorts(...exposed)
    .withCopyContentToContainer(Object.entries(files).map(([target, content]) => ({ target, content })))
    .withWaitStrategy(wait)
    .start()
  const handle = runtime.container.getById(started.getId())
  let address: string | undefined
  const exitCode = async (): Promise<number> => (await handle.inspect()).State.ExitCode
  return {
    id: started.getId(),
    name,
    port: (inside) => started.getMappedPort(inside),
    async lines() {
      return demultiplexed(await handle.logs({ stdout: true, stderr: true })).split('\n')
    },
    async stop(timeoutSeconds = 60) {
      await handle.stop({ t: timeoutSeconds })
      return exitCode()
    },
    signal: async (signal) => void (await handle.kill({ signal })),
    async kill() {
      await handle.kill()
      await until(async () => !(await handle.inspect()).State.Running, { what: `the end of ${name}` })
    },
    start: async () => void (await handle.start()),
    pause: async () => void (await handle.pause()),
    resume: async () => void (await handle.unpause()),
    async cut() {
      const { Networks } = (await handle.inspect()).NetworkSettings
      address = Object.values(Networks).find(({ NetworkID }) => NetworkID === back.id)?.IPAddress
      await runtime.network.getById(back.id).disconnect({ Container: handle.id, Force: true })
    },
    // Under the address that it had, as after a fault of a real network.
    mend: () => connect(back, handle.id, name, address),
    running: async () => (await handle.inspect()).State.Running,
    health: async () => (await handle.inspect()).State.Health?.Status ?? '',
    [Symbol.asyncDispose]: async () => void (await handle.remove({ force: true, v: true })),
  }
}

/** The engine tells both outputs in one, each part behind eight bytes: whose it is, and in the last four its length. */
function demultiplexed(bytes: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    parts.push(bytes.subarray(at + 8, end))
    at = end
  }
  return Buffer.concat(parts).toString('utf8')
}
