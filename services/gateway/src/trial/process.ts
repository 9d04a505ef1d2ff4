import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** The gateway as it runs for real: a process of its own, with the flags every service gets. */
export interface GatewayProcess {
  readonly url: string
  readonly admin: string
  readonly child: ChildProcess
  /** What it printed so far. */
  output(): string
  /** Memory that is its own, with its share of what it shares, in MiB. */
  pssMib(): Promise<number>
  /** Ends it as the supervisor does and gives its exit code. */
  stop(): Promise<number | null>
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const FLAGS = ['--conditions=@berth/source', '--max-semi-space-size=4', '--disable-warning=DEP0060']

export async function startGateway(env: NodeJS.ProcessEnv): Promise<GatewayProcess> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [...FLAGS, MAIN], {
    env: {
      PATH: process.env.PATH,
      BERTH_GATEWAY_LISTEN: `127.0.0.1:${port}`,
      BERTH_GATEWAY_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
      BERTH_PARENT_PID: String(process.pid),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const exited = once(child, 'exit')
  const started: GatewayProcess = {
    url: `http://127.0.0.1:${port}`,
    admin: `http://127.0.0.1:${adminPort}`,
    child,
    output: () => output,
    pssMib: async () => {
      const text = await readFile(`/proc/${child.pid}/smaps_rollup`, 'utf8')
      return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) / 1024
    },
    stop: async () => {
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
  }
  await ready(started)
  return started
}

async function ready({ admin, child, output }: GatewayProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the gateway left:\n${output()}`)
    const answer = await fetch(`${admin}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
