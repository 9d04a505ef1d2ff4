import { domainToASCII } from 'node:url'
import ipaddr from 'ipaddr.js'
import { type AddressKind, findAddress, kindOf, reachedThrough, widened } from './address.ts'

/** What is allowed or denied: a host, all hosts below a domain, or a range of addresses. */
export type EgressRule =
  | { kind: 'host'; host: string }
  | { kind: 'domain'; domain: string }
  | { kind: 'range'; address: ipaddr.IPv6; bits: number }

export interface EgressRules {
  allow: readonly EgressRule[]
  deny: readonly EgressRule[]
}

const HOST = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/
const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data'])
/** A rule that names a host is nearer to it than any range of addresses. */
const HOST_WEIGHT = 1_000
const DOMAIN_WEIGHT = 500
const OPEN: readonly AddressKind[] = ['private', 'public']

/** One of `10.0.0.0/8`, `192.0.2.1`, `::1`, `host.example.org`, `*.example.org` and `*`; `undefined`: none of them. */
export function findRules(text: string): EgressRule[] | undefined {
  if (text === '*') return ['0.0.0.0/0', '::/0'].map(toRange)
  if (text.includes('/')) return ipaddr.isValidCIDR(text) ? [toRange(text)] : undefined
  const address = findAddress(text)
  if (address) return [{ kind: 'range', address: widened(address), bits: 128 }]
  const domain = /^\*?\.(.+)$/.exec(text)?.[1]
  const host = normalHost(domain ?? text)
  if (!HOST.test(host)) return undefined
  return [domain === undefined ? { kind: 'host', host } : { kind: 'domain', domain: host }]
}

function toRange(text: string): EgressRule {
  const [address, bits] = ipaddr.parseCIDR(text)
  return { kind: 'range', address: widened(address), bits: address instanceof ipaddr.IPv4 ? bits + 96 : bits }
}

/** Lower case, no trailing dot, no brackets, letters outside ASCII encoded. */
export function normalHost(text: string): string {
  const bare = text
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  return /[^\0-\x7f]/.test(bare) ? domainToASCII(bare) : bare
}

/**
 * Whether a connection to this host may go to this address. The nearest rule decides: a host before a domain before a
 * range, a longer before a shorter one, deny before allow. Without one, loopback and link-local are refused. Metadata
 * services, multicast and broadcast are refused whatever the rules say.
 */
export function mayReach(rules: EgressRules, host: string, address: string): boolean {
  const parsed = findAddress(address)
  if (!parsed || METADATA_NAMES.has(host)) return false
  return reachedThrough(parsed).every((one) => {
    const kind = kindOf(one)
    return kind !== 'never' && decide(rules, host, one, OPEN.includes(kind))
  })
}

/** The same for a host whose addresses only somebody else knows: a proxy. */
export function mayName(rules: EgressRules, host: string): boolean {
  if (METADATA_NAMES.has(host)) return false
  return decide(rules, host, undefined, host !== 'localhost' && !host.endsWith('.localhost'))
}

function decide(rules: EgressRules, host: string, address: ipaddr.IPv4 | ipaddr.IPv6 | undefined, open: boolean) {
  const allowed = nearest(rules.allow, host, address)
  const denied = nearest(rules.deny, host, address)
  return allowed < 0 && denied < 0 ? open : allowed > denied
}

function nearest(rules: readonly EgressRule[], host: string, address?: ipaddr.IPv4 | ipaddr.IPv6): number {
  return Math.max(-1, ...rules.map((rule) => weightOf(rule, host, address)))
}

function weightOf(rule: EgressRule, host: string, address?: ipaddr.IPv4 | ipaddr.IPv6): number {
  if (rule.kind === 'host') return rule.host === host ? HOST_WEIGHT : -1
  if (rule.kind === 'domain') return host.endsWith(`.${rule.domain}`) ? DOMAIN_WEIGHT + rule.domain.length : -1
  if (address === undefined) return rule.bits === 0 || rule.bits === 96 ? 0 : -1
  // A range of IPv6 that is wider than all of IPv4 does not mean IPv4.
  if (address instanceof ipaddr.IPv4 && rule.bits < 96) return -1
  return widened(address).match(rule.address, rule.bits) ? rule.bits : -1
}
