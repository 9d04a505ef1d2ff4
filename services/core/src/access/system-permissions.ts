const CRUDL = ['create', 'read', 'update', 'delete', 'list'] as const

/** What exists beside projects; administrators may do all of it, other people none, robots what they were given. */
export const SYSTEM_PERMISSIONS = {
  catalog: ['read'],
  'audit-log': ['list'],
  project: CRUDL,
  user: CRUDL,
  'user-group': CRUDL,
  registry: CRUDL,
  replication: CRUDL,
  distribution: CRUDL,
  'garbage-collection': CRUDL,
  'scan-all': [...CRUDL, 'stop'],
  'system-volumes': ['read'],
  'ldap-user': ['create', 'list'],
  configuration: ['read', 'update'],
  'jobservice-monitor': ['read', 'list', 'stop'],
  'security-hub': ['read', 'list'],
} as const satisfies Record<string, readonly string[]>
