import ipaddr from 'ipaddr.js'

export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/** `10.0.0.0/8`, `2001:db8::/32` or a single address; `undefined` when it is none. */
export function findNetwork(text: string): Network | undefined {
  if (ipaddr.isValidCIDR(text)) {
    const [address, bits] = ipaddr.parseCIDR(text)
    return isMapped(address) && bits >= 96 ? [address.toIPv4Address(), bits - 96] : [address, bits]
  }
  if (!isAddress(text)) return undefined
  const address = ipaddr.process(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

/** The one way we write an address: IPv4 also where the system says `::ffff:192.0.2.1`. */
export function findAddress(text: string | undefined): string | undefined {
  if (text === undefined || !isAddress(text)) return undefined
  return ipaddr.process(text).toString()
}

export function isWithin(address: string, networks: readonly Network[]): boolean {
  if (networks.length === 0) return false
  const parsed = ipaddr.process(address)
  return networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits))
}

/** Who is counted as one: an IPv4 address, or the /64 that one IPv6 host may roam freely. */
export function countedAs(address: string): string {
  if (!address.includes(':')) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}

function isAddress(text: string): boolean {
  // Four-part decimal alone: `127.1`, `0x7f.1` and the like are addresses to some readers only.
  return text.includes(':') ? ipaddr.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text)
}

function isMapped(address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv6 {
  return address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress()
}
