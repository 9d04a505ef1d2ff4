import type { SettingName, SettingValues } from './table.ts'

/** A rule that several settings break together. */
export interface BrokenRule {
  /** The one to change. */
  setting: SettingName
  message: string
}

/** What is wrong with these settings together; what is missing has its default. */
export function brokenRule(values: SettingValues): BrokenRule | undefined {
  if (values.skip_audit_log_database && !values.audit_log_forward_endpoint) {
    return {
      setting: 'skip_audit_log_database',
      message: 'needs an audit_log_forward_endpoint, or audit lines would be nowhere',
    }
  }
  return undefined
}
