import type { Database } from '@berth/db'
import { type Answer, answer } from '@berth/messaging'
import { iconGet } from '@berth/types'
import { limited } from '../limited.ts'
import type { Storage } from '../storage/index.ts'
import { readIcon } from './icon-store.ts'

/** Pictures held in memory at a time, half a megabyte each. */
const AT_ONCE = 8

/** `svc.registry.v1.icon.get`, for core, who says which projects the caller may see. */
export function iconAnswers(database: Database, storage: Storage): Answer[] {
  const inTurn = limited(AT_ONCE)
  return [
    answer(iconGet, async (request) => {
      const { contentType, bytes } = await inTurn(() => readIcon(database, storage, request))
      return { contentType, content: bytes.toString('base64') }
    }),
  ]
}
