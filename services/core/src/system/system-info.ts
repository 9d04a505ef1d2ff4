import type { IncomingMessage } from 'node:http'
import type { Caller } from '../caller/caller.ts'
import { isSecure } from '../http/index.ts'
import type { Settings } from '../setting/settings.ts'
import { BERTH_VERSION, HARBOR_VERSION } from '../version.ts'

export interface SystemInfoOptions {
  settings: Settings
  externalUrl?: string
  storage: string
}

/** What `/systeminfo` answers: how to sign in for everybody, the rest for who has. */
export function systemInfo(
  req: IncomingMessage,
  caller: Caller,
  { settings, externalUrl, storage }: SystemInfoOptions,
): Record<string, unknown> {
  const open = { auth_mode: 'db_auth', primary_auth_mode: false, self_registration: false }
  if (caller.kind === 'anonymous') return open
  const url = externalUrl ?? `${isSecure(req) ? 'https' : 'http'}://${req.headers.host ?? 'localhost'}`
  return {
    ...open,
    current_time: new Date().toISOString(),
    external_url: url,
    registry_url: new URL(url).host,
    project_creation_restriction: settings.get('project_creation_restriction'),
    has_ca_root: false,
    harbor_version: HARBOR_VERSION,
    berth_version: BERTH_VERSION,
    registry_storage_provider_name: storage,
    read_only: false,
    notification_enable: false,
  }
}
