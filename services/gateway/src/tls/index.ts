import type { PairFiles } from './pair.ts'
import { openSelfSigned } from './self-signed.ts'

export { type Pair, type PairFiles, readPair } from './pair.ts'
export { watchPair } from './watch-pair.ts'

/** Where the certificate of the HTTPS door comes from. */
export type TlsSource =
  | ({ readonly kind: 'files' } & PairFiles)
  | { readonly kind: 'self-signed'; readonly dir: string; readonly names: readonly string[] }

export async function openPair(source: TlsSource): Promise<PairFiles> {
  return source.kind === 'files' ? source : openSelfSigned(source.dir, source.names)
}
