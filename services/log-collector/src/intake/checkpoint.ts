import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@berth/runtime'
import { z } from 'zod'
import { isMissing, replaceFile } from '../journal/files.ts'
import { LedgerState } from './ledger.ts'

/** The ledger, and how far the files had been written when it stood like this. */
const Checkpoint = z.object({
  version: z.literal(1),
  ledger: LedgerState,
  positions: z.record(z.string(), z.object({ name: z.string(), bytes: z.number() })),
})
export type Checkpoint = z.output<typeof Checkpoint>

export async function writeCheckpoint(root: string, state: Omit<Checkpoint, 'version'>): Promise<void> {
  await replaceFile(join(root, 'state.json'), JSON.stringify({ version: 1, ...state }))
}

/** The last checkpoint; none at first start, or when it cannot be read: then the count of lost lines begins anew. */
export async function readCheckpoint(root: string, log: Logger): Promise<Checkpoint | undefined> {
  try {
    return Checkpoint.parse(JSON.parse(await readFile(join(root, 'state.json'), 'utf8')))
  } catch (err) {
    if (!isMissing(err)) log.warn('the account of lost lines cannot be read and begins anew', { err })
    return undefined
  }
}
