import { BadRequest } from '@berth/errors'
import { z } from 'zod'
import type { Settings } from '../setting/index.ts'
import { type LdapServer, ldapServer, parseLdapUrl, timeoutOf } from './ldap-config.ts'

/** What a ping may be sent; what is missing is as it is set. The last two are ours. */
export const PingRequest = z.object({
  ldap_url: z.string().optional(),
  ldap_search_dn: z.string().optional(),
  ldap_search_password: z.string().optional(),
  ldap_connection_timeout: z.number().int().optional(),
  ldap_verify_cert: z.boolean().optional(),
  ldap_starttls: z.boolean().optional(),
  ldap_ca_certificate: z.string().optional(),
})
export type PingRequest = z.output<typeof PingRequest>

/**
 * The server a ping means. The stored password goes to the stored server as the stored name only, with no less
 * protection: whoever may ping must not have it sent where they listen.
 *
 * @throws {BadRequest}
 */
export function pingedServer(settings: Settings, request: PingRequest): LdapServer {
  if (Object.keys(request).length === 0) return ldapServer(settings)
  const startTls = request.ldap_starttls ?? settings.get('ldap_starttls')
  const server: LdapServer = {
    ...parseLdapUrl(request.ldap_url || settings.get('ldap_url'), startTls),
    ca: (request.ldap_ca_certificate ?? settings.get('ldap_ca_certificate')) || undefined,
    verifyCertificate: request.ldap_verify_cert ?? settings.get('ldap_verify_cert'),
    timeoutMs: timeoutOf(request.ldap_connection_timeout || settings.get('ldap_timeout')),
    searchDn: (request.ldap_search_dn ?? settings.get('ldap_search_dn')).trim(),
    searchPassword: request.ldap_search_password ?? '',
  }
  if (server.searchDn === '' || server.searchPassword !== '') return server
  if (!isWhatIsSet(server, settings)) {
    throw new BadRequest('ldap_search_password must be sent with a server or a name that is not the one that is set')
  }
  return { ...server, searchPassword: settings.get('ldap_search_password') }
}

function isWhatIsSet(server: LdapServer, settings: Settings): boolean {
  if (settings.get('ldap_url').trim() === '') return false
  const stored = ldapServer(settings)
  const keys = ['host', 'port', 'protection', 'ca', 'verifyCertificate', 'searchDn'] as const
  return keys.every((key) => server[key] === stored[key])
}
