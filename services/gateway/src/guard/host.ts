const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?\.?$/
const IPV6 = /^\[[0-9A-Fa-f:.]{2,45}\]$/

/** `name`, `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`, as in a Host header. */
export function isHost(text: string): boolean {
  const { host, port } = splitHost(text)
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) return false
  return NAME.test(host) || IPV6.test(host)
}

/** The port is absent where the text has none; nothing is checked. */
export function splitHost(text: string): { host: string; port?: string } {
  const colon = text.startsWith('[') ? text.indexOf(':', text.indexOf(']')) : text.indexOf(':')
  return colon < 0 ? { host: text } : { host: text.slice(0, colon), port: text.slice(colon + 1) }
}
