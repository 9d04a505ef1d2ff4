import { z } from 'zod'
import { BytesMissing, type StorageKey, type StoredUpload, type UploadState } from '../storage.ts'

/** An object of its own that holds bytes which are in no part yet. */
export interface Tail {
  key: string
  size: number
}

/** A part of the multipart upload; parts are in the order of their bytes. */
export interface Part {
  number: number
  etag: string
  size: number
}

/** What of an upload is on the S3: first the parts, then the tails. */
export interface S3State {
  multipart?: { key: StorageKey; id: string }
  parts: Part[]
  tails: Tail[]
  /** Numbers of parts below this one may be in use by somebody. */
  next: number
  /** The object of a first short piece: the blob, unless more follows. */
  plain?: StorageKey
  /** Tails that are in a part by now. */
  spent: string[]
  /** A holder vanished: objects of this session may be there that nobody recorded. */
  salvaged?: true
}

const Row = z.object({
  m: z.tuple([z.string(), z.string()]).optional(),
  p: z.array(z.tuple([z.number(), z.string(), z.number()])).default([]),
  t: z.array(z.tuple([z.string(), z.number()])).default([]),
  n: z.number().default(1),
  o: z.string().optional(),
  s: z.array(z.string()).default([]),
  v: z.literal(true).optional(),
})

/** As it is kept in the session's row: short, because a large upload has thousands of parts. */
export function toRow(state: S3State): UploadState {
  const { multipart, parts, tails, next, plain, spent, salvaged } = state
  return {
    ...(multipart && { m: [multipart.key, multipart.id] }),
    ...(parts.length > 0 && { p: parts.map(({ number, etag, size }) => [number, etag, size]) }),
    ...(tails.length > 0 && { t: tails.map(({ key, size }) => [key, size]) }),
    n: next,
    ...(plain && { o: plain }),
    ...(spent.length > 0 && { s: spent }),
    ...(salvaged && { v: true }),
  }
}

/** @throws {BytesMissing} the row speaks of bytes that are not in the state */
export function stateOf(upload: StoredUpload): S3State {
  const row = Row.parse(upload.state ?? {})
  const state: S3State = {
    ...(row.m && { multipart: { key: row.m[0] as StorageKey, id: row.m[1] } }),
    parts: row.p.map(([number, etag, size]) => ({ number, etag, size })),
    tails: row.t.map(([key, size]) => ({ key, size })),
    next: row.n,
    ...(row.o !== undefined && { plain: row.o as StorageKey }),
    spent: row.s,
    ...(row.v && { salvaged: true }),
  }
  const held = bytesOf(state.parts) + bytesOf(state.tails)
  if (held !== upload.offset) throw new BytesMissing(`an upload holds ${held} bytes instead of ${upload.offset}`)
  return state
}

export function bytesOf(pieces: readonly { size: number }[]): number {
  return pieces.reduce((sum, { size }) => sum + size, 0)
}
