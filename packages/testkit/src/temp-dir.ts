import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardian } from '@berth/embedded'

export interface TempDir {
  path: string
  remove(): Promise<void>
}

/** A directory that goes away with the test, or with the test process if that is killed. */
export async function tempDir(name = 'test'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), `berth-${name}-`))
  // Postgres of a test run by root belongs to another account, which must get through.
  await chmod(path, 0o711)
  guardian().removeAfterwards(path)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
