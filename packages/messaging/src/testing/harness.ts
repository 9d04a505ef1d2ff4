import { natsSettings, silentLogger } from '@berth/runtime'
import { suiteAccounts, type ThrowAwayNats, throwAwayNats } from '@berth/testkit'
import { type Bus, connectBus, provision } from '../index.ts'

/** For tests: a NATS with the users, streams and buckets of a suite. */
export interface Surroundings {
  nats: ThrowAwayNats
  /** Connects as one of the users of a suite, or as `everything`. */
  connect(user: string): Promise<Bus>
  stop(): Promise<void>
}

export async function openSurroundings(options: { provisioned?: boolean } = {}): Promise<Surroundings> {
  const nats = await throwAwayNats({ users: suiteAccounts() })
  const connected: Bus[] = []
  const connect = async (user: string) => {
    const bus = await connectBus({ user, nats: natsSettings(nats.urlOf(user)), log: silentLogger })
    connected.push(bus)
    return bus
  }
  if (options.provisioned ?? true) await provision(await connect('provision'))
  return {
    nats,
    connect,
    async stop() {
      for (const bus of connected) await bus.close()
      await nats.stop()
    },
  }
}

/** Polls until `look` answers what is wanted. */
export const eventually = { timeout: 20_000, interval: 50 }
