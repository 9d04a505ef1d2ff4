import type { Migration } from '@berth/db'
import { peopleAndProjects } from './20261101090000_people_and_projects.ts'
import { robots } from './20261102090000_robots.ts'
import { groupsAndIdentities } from './20261120100000_groups_and_identities.ts'
import { auditLog } from './20261120101000_audit_log.ts'
import { settingRevision } from './20261120110000_setting_revision.ts'
import { identitySubjects } from './20261120120000_identity_subjects.ts'
import { oidcPeople } from './20261120130000_oidc.ts'
import { accessTokens } from './20261120140000_access_tokens.ts'
import { policies } from './20261120160000_policies.ts'
import { auditLists } from './20261120170000_audit_lists.ts'
import { robotRotation } from './20261120180000_robot_rotation.ts'

/** Every change of schema `core`, in order. */
export const migrations: readonly Migration[] = [
  peopleAndProjects,
  robots,
  groupsAndIdentities,
  auditLog,
  settingRevision,
  identitySubjects,
  oidcPeople,
  accessTokens,
  policies,
  auditLists,
  robotRotation,
]
