import type { Database } from '@berth/db'
import { hashStored, markCorrupt, paceOf, type SeenBlob } from '../scrub/index.ts'
import type { Storage, StoredEntry } from '../storage/index.ts'
import { createTrash } from '../upload/index.ts'
import { type BlobRow, isStillThere, listBlobRows, throwAwayUnknown, unknownOf } from './fsck-store.ts'

const PAGE = 1_000
const SHOWN = 1_000
const DAY_MS = 86_400_000
/** What we write, and what was taken over and stays where it is: among that there is more than blobs. */
const OURS = ['blobs/', 'uploads/'] as const
const BLOBS = ['adopted/', 'blobs/', 'docker/'] as const

interface FsckFinding {
  /** `missing` and `wrong size` are about rows, `unknown` about files or objects. */
  what: 'missing' | 'wrong size' | 'unknown'
  /** A digest, or a name in the storage. */
  name: string
  why: string
}

export interface FsckReport {
  rows: number
  objects: number
  missing: number
  wrongSize: number
  unknown: number
  unknownBytes: number
  /** Unknown, but so young that somebody may be about to say what it is; not counted as unknown. */
  young: number
  repaired: number
  /** Missing or of wrong size, and marked as corrupt before: nothing but a push of the same repairs it. */
  marked: number
  /** The first thousand. */
  findings: FsckFinding[]
}

export interface FsckOptions {
  database: Database
  storage: Storage
  /** Marks blobs without their bytes as corrupt, and removes what nobody knows and is older than a day. */
  repair: boolean
  onProgress?: (report: FsckReport) => void
  signal?: AbortSignal
  /** An event was written. */
  onChange?: () => void
}

/**
 * Compares tables and storage in both directions while everything goes on: what looks wrong is looked at again before
 * it is said. It tells whether bytes are there and how many, not which; that is for the scrub.
 */
export async function fsck(options: FsckOptions): Promise<FsckReport> {
  const report: FsckReport = {
    rows: 0,
    objects: 0,
    missing: 0,
    wrongSize: 0,
    unknown: 0,
    unknownBytes: 0,
    young: 0,
    repaired: 0,
    marked: 0,
    findings: [],
  }
  for (const prefix of BLOBS) await checkRows(options, prefix, report)
  for (const prefix of OURS) await checkObjects(options, prefix, report)
  return report
}

async function checkRows(options: FsckOptions, prefix: string, report: FsckReport): Promise<void> {
  const { database, storage, signal, onProgress } = options
  // The first name behind all that begin with the prefix: `0` comes after `/`.
  const end = `${prefix.slice(0, -1)}0`
  for (let after = prefix; ; ) {
    signal?.throwIfAborted()
    // Rows first: bytes are there before the row that names them.
    const rows = await listBlobRows(database, after, end)
    const last = rows.at(-1)?.storage_key
    if (last === undefined) return
    const sizes = await sizesOf(storage, prefix, after, rows)
    for (const row of rows) await checkRow(options, row, sizes.get(row.storage_key), report)
    report.rows += rows.length
    onProgress?.(report)
    after = last
  }
}

/** Sizes of what is stored under the keys of these rows, sorted by key. */
async function sizesOf(
  storage: Storage,
  prefix: string,
  start: string,
  rows: readonly SeenBlob[],
): Promise<Map<string, number>> {
  const wanted = new Set<string>(rows.map((row) => row.storage_key))
  const last = rows.at(-1)?.storage_key ?? ''
  const sizes = new Map<string, number>()
  for (let after = start; ; ) {
    const page = await storage.list(prefix, after, PAGE)
    for (const { name, size } of page) if (wanted.has(name)) sizes.set(name, size)
    after = page.at(-1)?.name ?? last
    if (page.length < PAGE || after >= last) return sizes
  }
}

async function checkRow(
  { database, storage, repair, onChange }: FsckOptions,
  row: BlobRow,
  listed: number | undefined,
  report: FsckReport,
): Promise<void> {
  if (listed === row.size) return
  const [entry] = await storage.list(row.storage_key, '', 1)
  const found = entry?.name === row.storage_key ? entry.size : undefined
  if (found === row.size || !(await isStillThere(database, row))) return
  const marked = row.corrupt ? '; marked as corrupt' : ''
  if (found === undefined) {
    report.missing++
    note(report, { what: 'missing', name: row.digest, why: `no bytes at ${row.storage_key}${marked}` })
  } else {
    report.wrongSize++
    note(report, { what: 'wrong size', name: row.digest, why: `${found} bytes instead of ${row.size}${marked}` })
  }
  if (row.corrupt) report.marked++
  if (!repair || row.corrupt) return
  const finding = await hashStored(storage, row, paceOf(Number.POSITIVE_INFINITY))
  if (finding === 'good' || !(await markCorrupt(database, row, finding))) return
  report.repaired++
  onChange?.()
}

async function checkObjects(options: FsckOptions, prefix: string, report: FsckReport): Promise<void> {
  const { database, storage, signal, onProgress } = options
  for (let after = ''; ; ) {
    signal?.throwIfAborted()
    // Objects first: whoever writes one has said so in a row before.
    const page = await storage.list(prefix, after, PAGE)
    const unknown = await unknownOf(
      database,
      page.map(({ name }) => name),
    )
    await settleUnknown(
      options,
      page.filter(({ name }) => unknown.has(name)),
      report,
    )
    report.objects += page.length
    onProgress?.(report)
    if (page.length < PAGE) return
    after = page.at(-1)?.name ?? ''
  }
}

async function settleUnknown(
  { database, storage, repair }: FsckOptions,
  entries: readonly StoredEntry[],
  report: FsckReport,
): Promise<void> {
  const old = entries.filter(({ modifiedAt }) => modifiedAt.getTime() < Date.now() - DAY_MS)
  report.young += entries.length - old.length
  report.unknown += old.length
  for (const { name, size } of old) {
    report.unknownBytes += size
    note(report, { what: 'unknown', name, why: `${size} bytes no blob, upload or trash knows` })
  }
  if (!repair || old.length === 0) return
  const keys = await throwAwayUnknown(database, old)
  await createTrash(database, storage).remove(keys)
  report.repaired += keys.length
}

function note(report: FsckReport, finding: FsckFinding): void {
  if (report.findings.length < SHOWN) report.findings.push(finding)
}
