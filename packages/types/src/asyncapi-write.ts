// Writes docs/asyncapi.json: node --conditions=@berth/source packages/types/src/asyncapi-write.ts
import { writeFileSync } from 'node:fs'
import about from '../package.json' with { type: 'json' }
import { asyncApiDocument } from './asyncapi.ts'

const target = new URL('../../../docs/asyncapi.json', import.meta.url)
writeFileSync(target, `${JSON.stringify(asyncApiDocument(about.version), null, 2)}\n`)
