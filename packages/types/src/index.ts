export * from './access.ts'
export * from './ask.ts'
export * from './asks/core.ts'
export * from './asks/health.ts'
export * from './asks/log-collector.ts'
export * from './asks/registry.ts'
export * from './asks/registry-artifact.ts'
export * from './asks/registry-gc.ts'
export * from './asks/registry-label.ts'
export * from './asks/registry-mode.ts'
export * from './asks/registry-repository.ts'
export {
  AccessoryFacts,
  ArtifactFacts,
  ChildFacts,
  JudgedProject,
  RepositoryFacts,
  TagFacts,
  VerdictFacts,
  VisibleProjects,
} from './asks/registry-shapes.ts'
export * from './asks/registry-storage.ts'
export * from './asks/registry-tag.ts'
export * from './asks/registry-tally.ts'
export * from './asks/token.ts'
export * from './buckets.ts'
export * from './catalogue.ts'
export * from './event.ts'
export * from './events/core.ts'
export * from './events/core-audit.ts'
export * from './events/core-robot.ts'
export * from './events/registry.ts'
export * from './events/registry-blob.ts'
export * from './events/registry-pull.ts'
export * from './events/registry-quota.ts'
export * from './external-user.ts'
export * from './job.ts'
export * from './log.ts'
export * from './nats-permissions.ts'
export * from './project.ts'
export * from './registry-command.ts'
export * from './services.ts'
export * from './streams.ts'
export * from './syslog.ts'
