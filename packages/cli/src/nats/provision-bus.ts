import { type Bus, connectBus } from '@berth/messaging'
import { type NatsSettings, natsSettings, silentLogger } from '@berth/runtime'
import { CommandFailed } from '../exit.ts'

const CONNECT_MS = 10_000

/** Works on a connection of the one user who may make streams and consumers, and closes it. */
export async function withProvision<T>(nats: { url: string; credentials?: string }, work: (bus: Bus) => Promise<T>) {
  const bus = await connectWithin(readSettings(nats.url, nats.credentials))
  try {
    return await work(bus)
  } finally {
    await bus.close()
  }
}

function readSettings(url: string, credentials: string | undefined): NatsSettings {
  try {
    return natsSettings(url, credentials)
  } catch (err) {
    throw new CommandFailed(`${credentials} does not hold NATS credentials`, { cause: err })
  }
}

/** The bus itself waits for its server for ever; a person does not. */
async function connectWithin(nats: NatsSettings): Promise<Bus> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    const because = new CommandFailed(`no NATS server lets us in at ${hostOf(nats.url)}`)
    timer = setTimeout(() => reject(because), CONNECT_MS)
  })
  try {
    return await Promise.race([connectBus({ user: 'provision', nats, log: silentLogger }), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Without the password the URL may carry. */
function hostOf(url: string): string {
  return url.replaceAll(/\/\/[^@/]*@/g, '//')
}
