import { runService } from '@berth/runtime'
import { loadConfig } from './config.ts'
import { wire } from './wire.ts'

await runService('log-collector', () => loadConfig(process.env), wire)
