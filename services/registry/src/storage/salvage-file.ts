import { Writable } from 'node:stream'
import type { StoredBytes, UploadWriter } from './storage.ts'

/** Copies bytes to a file nobody else writes to; whoever looks on may refuse to go on. */
export async function salvageFile(
  from: StoredBytes,
  into: Pick<UploadWriter, 'write'>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  const write = async (chunk: Buffer) => {
    take(chunk)
    await into.write(chunk)
  }
  await from.sendTo(
    new Writable({ write: (chunk: Buffer, _encoding, done) => void write(chunk).then(() => done(), done) }),
  )
}
