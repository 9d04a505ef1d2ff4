/** The services that run; later ones join the list with their issue. */
export const SERVICES = ['core', 'gateway', 'log-collector', 'registry', 'token'] as const

export type ServiceName = (typeof SERVICES)[number]

export function isServiceName(text: string): text is ServiceName {
  return (SERVICES as readonly string[]).includes(text)
}

/** `log-collector` → `LOG_COLLECTOR`: how a service is spelled inside the names of its settings. */
export function settingPrefix(service: ServiceName): string {
  return `BERTH_${service.replaceAll('-', '_').toUpperCase()}`
}
