import { findAddress, kindOf, widened } from './address.ts'
import { findRules, normalHost } from './rules.ts'
import type { EgressSettings } from './settings.ts'

/** The proxy requests for this URL go through, if any. What is on this machine never goes through one. */
export function proxyFor(settings: EgressSettings, url: URL): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.httpsProxy : settings.httpProxy
  if (!proxy) return undefined
  const host = normalHost(url.hostname)
  const address = findAddress(host)
  if (host === 'localhost' || (address && kindOf(address) === 'loopback')) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return settings.noProxy.some((word) => exempts(word, host, port)) ? undefined : proxy
}

/** `*`, a CIDR, an address, or a domain with everything below it; each perhaps with a port. */
function exempts(word: string, host: string, port: string): boolean {
  if (word === '*') return true
  const [, name = word, only] = /^(\[.+\]|[^:]+):(\d+)$/.exec(word) ?? []
  if (only !== undefined && only !== port) return false
  const address = findAddress(host)
  const [rule] = findRules(name) ?? []
  if (rule?.kind === 'range') return address !== undefined && widened(address).match(rule.address, rule.bits)
  const domain = normalHost(name.replace(/^\*?\./, ''))
  return host === domain || host.endsWith(`.${domain}`)
}
