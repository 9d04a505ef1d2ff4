import { SettingInvalid } from '@berth/runtime'
import { type EgressRule, type EgressRules, findRules } from './rules.ts'

export interface EgressSettings extends EgressRules {
  /** For `http:` targets. */
  httpProxy?: URL
  /** For `https:` targets. */
  httpsProxy?: URL
  /** Which targets go past the proxies, as `NO_PROXY` says it. */
  noProxy: readonly string[]
}

/**
 * `BERTH_EGRESS_ALLOW` and `BERTH_EGRESS_DENY` (CIDRs, addresses, hosts, `*.domain` or `*`, by comma), and
 * `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in lower case too.
 *
 * @throws {SettingInvalid}
 */
export function egressSettings(env: NodeJS.ProcessEnv): EgressSettings {
  return {
    allow: rulesOf('BERTH_EGRESS_ALLOW', env),
    deny: rulesOf('BERTH_EGRESS_DENY', env),
    httpProxy: proxyOf('HTTP_PROXY', env),
    httpsProxy: proxyOf('HTTPS_PROXY', env),
    noProxy: wordsOf(env.NO_PROXY || env.no_proxy || ''),
  }
}

function rulesOf(name: string, env: NodeJS.ProcessEnv): EgressRule[] {
  return wordsOf(env[name] ?? '').flatMap((word) => {
    const rules = findRules(word)
    if (!rules) throw new SettingInvalid(`${name}: must be CIDRs, addresses, hosts, *.domain or *, by comma`)
    return rules
  })
}

function proxyOf(name: string, env: NodeJS.ProcessEnv): URL | undefined {
  const text = env[name] || env[name.toLowerCase()]
  if (!text) return undefined
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new SettingInvalid(`${name}: must be an http or https URL`)
  }
  return url
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '')
}
