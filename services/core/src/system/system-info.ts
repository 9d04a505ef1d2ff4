import type { IncomingMessage } from 'node:http'
import type { Caller } from '../caller/caller.ts'
import { baseUrlOf } from '../http/index.ts'
import type { Settings } from '../setting/index.ts'
import { BERTH_VERSION, HARBOR_VERSION } from '../version.ts'

export interface SystemInfoOptions {
  settings: Settings
  externalUrl?: string
  /** Name of the storage driver of the registry. */
  storage: string
  /** Clients can fetch a certificate to trust. */
  hasCertificate: boolean
}

/**
 * What `/systeminfo` answers: how to sign in and the banner for everybody, the rest for who has signed in.
 *
 * @throws {BadRequest} the Host header is no host, and nothing else says where we are
 */
export function systemInfo(
  req: IncomingMessage,
  caller: Caller,
  { settings, externalUrl, storage, hasCertificate }: SystemInfoOptions,
): Record<string, unknown> {
  const mode = settings.get('auth_mode')
  const open = {
    auth_mode: mode,
    primary_auth_mode: settings.get('primary_auth_mode'),
    self_registration: settings.get('self_registration'),
    banner_message: settings.get('banner_message'),
    oidc_provider_name: mode === 'oidc_auth' ? settings.get('oidc_name') : '',
  }
  if (caller.kind === 'anonymous') return open
  const url = baseUrlOf(req, externalUrl)
  return {
    ...open,
    current_time: new Date().toISOString(),
    external_url: url,
    registry_url: new URL(url).host,
    project_creation_restriction: settings.get('project_creation_restriction'),
    has_ca_root: hasCertificate,
    harbor_version: HARBOR_VERSION,
    berth_version: BERTH_VERSION,
    registry_storage_provider_name: storage,
    read_only: settings.get('read_only'),
    notification_enable: settings.get('notification_enable'),
  }
}
