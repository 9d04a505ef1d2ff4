import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandOf, endProcess } from './processes.ts'
import { mainOf } from './service-process.ts'
import { readSuite } from './suite-file.ts'

/**
 * Ends services whose supervisor was killed and which have not noticed yet, so that their doors are free. A pid counts
 * only while it still runs that service for that supervisor.
 */
export async function endLeftoverServices(dataPath: string, root: string): Promise<number[]> {
  const suite = await readSuite(dataPath).catch(() => undefined)
  const ended: number[] = []
  await Promise.all(
    (suite?.processes ?? []).map(async ({ pid, service }) => {
      if (!(await commandOf(pid))?.includes(mainOf(root, service))) return
      if (!(await isChildOf(pid, suite?.pid ?? 0))) return
      ended.push(pid)
      await endProcess(pid, [
        { signal: 'SIGTERM', ms: 3_000 },
        { signal: 'SIGKILL', ms: 1_000 },
      ])
    }),
  )
  await rm(join(dataPath, 'suite.json'), { force: true })
  return ended
}

async function isChildOf(pid: number, supervisor: number): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').includes(`BERTH_PARENT_PID=${supervisor}`)
  } catch {
    return false
  }
}
