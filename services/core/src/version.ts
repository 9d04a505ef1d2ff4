import { createHash } from 'node:crypto'
import { berthDocument, harborDocument } from '@berth/api'
import manifest from '../package.json' with { type: 'json' }

/** Of the suite. */
export const BERTH_VERSION: string = manifest.version

const build = createHash('sha256')
  .update(JSON.stringify([BERTH_VERSION, harborDocument, berthDocument]))
  .digest('hex')
  .slice(0, 8)

/** The Harbor whose API we speak, and a mark of our build that every replica of it shares. */
export const HARBOR_VERSION = `v2.15.0-${build}`
