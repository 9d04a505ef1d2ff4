import type { Watched } from '../proc.ts'

/** A program of somebody else's that is started for a test or a measurement. */
export interface Peer {
  /** Base URL without a slash at its end. */
  url: string
  /** Its processes now. */
  pids(): Promise<Watched[]>
  stop(): Promise<void>
}
