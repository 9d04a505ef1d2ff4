import ipaddr from 'ipaddr.js'

/** What kind of place an address is: only of these does it matter to a guard. */
export type AddressKind = 'never' | 'loopback' | 'link-local' | 'private' | 'public'

type Ip = ipaddr.IPv4 | ipaddr.IPv6

/** Where clouds hand out credentials to whoever asks. */
const METADATA = new Set(
  [
    '169.254.169.254', // AWS, Azure, Google, OpenStack and others
    '169.254.0.23', // Tencent
    '169.254.170.2', // AWS ECS
    '169.254.170.23', // AWS EKS
    '168.63.129.16', // Azure
    '100.100.100.200', // Alibaba
    '192.0.0.192', // Oracle
    'fd00:ec2::254', // AWS
    'fd00:ec2::23', // AWS EKS
    'fd00:42::42', // Scaleway
    'fd00:c1::a9fe:a9fe', // Oracle
    'fd20:ce::254', // Google
    'fe80::a9fe:a9fe', // OpenStack
  ].map((text) => ipaddr.parse(text).toNormalizedString()),
)

const KINDS: Record<string, AddressKind> = {
  unspecified: 'loopback',
  loopback: 'loopback',
  linkLocal: 'link-local',
  deprecatedSiteLocal: 'link-local',
  multicast: 'never',
  broadcast: 'never',
  private: 'private',
  uniqueLocal: 'private',
  carrierGradeNat: 'private',
}

/** An address as text, in brackets or not; `undefined`: a name. Shortened forms such as `127.1` are names. */
export function findAddress(text: string): Ip | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare)
  return bare.includes(':') && ipaddr.IPv6.isValid(bare) ? ipaddr.IPv6.parse(bare) : undefined
}

/** The address and every IPv4 address packets to it may end at; all of them must be allowed. */
export function reachedThrough(address: Ip): Ip[] {
  if (address instanceof ipaddr.IPv4) return [address]
  const inside = embedded(address)
  return inside ? (address.isIPv4MappedAddress() ? [inside] : [address, inside]) : [address]
}

export function kindOf(address: Ip): AddressKind {
  if (METADATA.has(withoutZone(address))) return 'never'
  return KINDS[address.range()] ?? 'public'
}

/** The address in 128 bits, as CIDRs are compared: IPv4 in its mapped form. */
export function widened(address: Ip): ipaddr.IPv6 {
  return address instanceof ipaddr.IPv4 ? address.toIPv4MappedAddress() : address
}

function withoutZone(address: Ip): string {
  return address.toNormalizedString().replace(/%.*$/, '')
}

/** IPv4 inside IPv6: mapped, compatible, NAT64, SIIT, 6to4, Teredo. */
function embedded(address: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = address.toByteArray()
  const at = (start: number) => new ipaddr.IPv4(bytes.slice(start, start + 4))
  switch (address.range()) {
    case 'ipv4Mapped':
    case 'rfc6145':
    case 'rfc6052':
      return at(12)
    case '6to4':
      return at(2)
    case 'teredo':
      return new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff))
    case 'loopback':
    case 'unspecified':
      return undefined
    default:
      return bytes.slice(0, 12).every((byte) => byte === 0) ? at(12) : undefined
  }
}
