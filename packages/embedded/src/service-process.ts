import { join } from 'node:path'
import { startChild } from './child.ts'
import type { PlannedService } from './plan.ts'
import type { Part } from './supervise.ts'

/**
 * How a service is run from its sources. With a young generation of 4 MB small requests spend a tenth of their time on
 * collections instead of a fifth; what streams leaves nothing to collect.
 */
const NODE_FLAGS = ['--conditions=@berth/source', '--max-semi-space-size=4', '--disable-warning=DEP0060']
/**
 * What is 4 MiB or more goes back to the machine when it is freed: glibc would keep the 19 MiB of each password that is
 * hashed, once for every thread, and core grow from 90 to 190 MB.
 */
const MEMORY = { MALLOC_MMAP_THRESHOLD_: '4194304' }
/** Threads of libuv, whose four are all taken when four clients wait for the disk; one commit of a journal serves many. */
const THREADS = { registry: { UV_THREADPOOL_SIZE: '16' } } as Record<string, NodeJS.ProcessEnv>

export function mainOf(root: string, service: string): string {
  return join(root, 'services', service, 'src', 'main.ts')
}

/** Starts the process of a service; whether it is ready is asked at its private door. */
export async function startService(
  planned: PlannedService,
  options: { root: string; onLine: (line: string, stream: 'stdout' | 'stderr') => void },
): Promise<Part> {
  const child = await startChild({
    command: process.execPath,
    args: [...NODE_FLAGS, mainOf(options.root, planned.service)],
    env: { ...MEMORY, ...THREADS[planned.service], ...planned.env, BERTH_PARENT_PID: String(process.pid) },
    cwd: options.root,
    orphanSignal: 'TERM',
    onLine: options.onLine,
  })
  return {
    pid: child.pid,
    exited: child.exited,
    stop: (ms = 8_000) =>
      child.stop([
        { signal: 'SIGTERM', ms },
        { signal: 'SIGKILL', ms: 1_000 },
      ]),
    kill: (signal) => child.kill(signal),
  }
}
