const CRUDL = ['create', 'read', 'update', 'delete', 'list']

/** What a robot can be given beside projects; nothing else can. */
export const SYSTEM_CATALOGUE: Readonly<Record<string, readonly string[]>> = {
  'audit-log': ['list'],
  'preheat-instance': CRUDL,
  project: ['list', 'create'],
  'replication-policy': CRUDL,
  replication: ['read', 'create', 'list'],
  'replication-adapter': ['list'],
  registry: CRUDL,
  'scan-all': ['read', 'update', 'stop', 'create'],
  'system-volumes': ['read'],
  'garbage-collection': ['read', 'create', 'list', 'update', 'stop'],
  'purge-audit': ['read', 'create', 'list', 'update', 'stop'],
  'jobservice-monitor': ['list', 'stop'],
  scanner: CRUDL,
  label: ['read', 'create', 'delete', 'update'],
  'security-hub': ['read', 'list'],
  catalog: ['read'],
  quota: ['read', 'list', 'update'],
  robot: ['create', 'read', 'list', 'delete'],
  user: CRUDL,
  'ldap-user': ['create', 'list'],
  'user-group': CRUDL,
}

/** What a robot can be given in a project. */
export const PROJECT_CATALOGUE: Readonly<Record<string, readonly string[]>> = {
  log: ['list'],
  project: ['read', 'delete', 'update'],
  metadata: CRUDL,
  repository: ['read', 'update', 'delete', 'list', 'pull', 'push'],
  artifact: ['read', 'create', 'list', 'delete'],
  scan: ['create', 'read', 'stop'],
  sbom: ['create', 'stop', 'read'],
  tag: ['create', 'list', 'delete'],
  accessory: ['list'],
  'artifact-addition': ['read'],
  'artifact-label': ['create', 'delete'],
  scanner: ['create', 'read'],
  'preheat-policy': CRUDL,
  'immutable-tag': ['create', 'delete', 'list', 'update'],
  'notification-policy': CRUDL,
  'tag-retention': CRUDL,
  label: CRUDL,
  quota: ['read'],
  robot: ['create', 'read', 'list', 'delete'],
  'export-cve': ['create', 'read'],
  member: CRUDL,
}

export function catalogueHas(
  catalogue: Readonly<Record<string, readonly string[]>>,
  resource: string,
  action: string,
): boolean {
  return Object.hasOwn(catalogue, resource) && (catalogue[resource] ?? []).includes(action)
}
