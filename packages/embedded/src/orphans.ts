import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { SHARED_HOME } from './postgres-binaries.ts'
import { readTrimmed } from './secrets.ts'

const Marker = z.object({ id: z.string() })

/**
 * Postgres' files below /var/lib/berth whose data directory is gone or another one by now. They are told of and never
 * removed: the directory may just not be mounted.
 */
export async function orphanedHomes(): Promise<string[]> {
  const names = await readdir(SHARED_HOME).catch(() => [])
  const homes = names.filter((name) => /^[0-9a-f]{32}$/.test(name))
  const orphaned = await Promise.all(homes.map(async (id) => ((await isWanted(id)) ? [] : [join(SHARED_HOME, id)])))
  return orphaned.flat()
}

async function isWanted(id: string): Promise<boolean> {
  try {
    const directory = await readTrimmed(join(SHARED_HOME, id, 'belongs-to'))
    const marker = directory && (await readTrimmed(join(directory, 'berth.json')))
    return marker ? Marker.parse(JSON.parse(marker)).id === id : false
  } catch {
    // What we may not look at is none of our business.
    return true
  }
}
