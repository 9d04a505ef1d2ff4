import { hkdfSync } from 'node:crypto'

/** The keys of core, each derived from the suite's secret key for one purpose. */
export interface CoreKeys {
  csrf: string
  robotSecret: Buffer
}

export function deriveKeys(secretKey: Buffer): CoreKeys {
  const derive = (purpose: string) => Buffer.from(hkdfSync('sha256', secretKey, '', `berth core ${purpose}`, 32))
  return { csrf: derive('csrf').toString('base64'), robotSecret: derive('robot secret') }
}
