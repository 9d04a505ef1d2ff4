const ENDPOINT = /^(?:(tcp|tls):\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{1,5})$/i

/** Where lines are forwarded to. */
export interface SyslogTarget {
  /** Without a scheme it is TCP, as in Harbor. */
  transport: 'tcp' | 'tls'
  host: string
  port: number
}

/** Reads `host:port`, `tcp://host:port` or `tls://host:port`; undefined when it is none of them. */
export function findSyslogTarget(text: string): SyslogTarget | undefined {
  const [, scheme, host = '', portText] = ENDPOINT.exec(text) ?? []
  const port = Number(portText)
  if (!(port >= 1 && port <= 65_535)) return undefined
  return { transport: scheme?.toLowerCase() === 'tls' ? 'tls' : 'tcp', host: host.replace(/^\[|\]$/g, ''), port }
}
