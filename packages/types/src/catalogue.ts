import type { Ask } from './ask.ts'
import * as core from './asks/core.ts'
import { healthCheck } from './asks/health.ts'
import * as logCollector from './asks/log-collector.ts'
import * as registry from './asks/registry.ts'
import * as registryArtifact from './asks/registry-artifact.ts'
import { gcSweep } from './asks/registry-gc.ts'
import * as registryLabel from './asks/registry-label.ts'
import { modePut } from './asks/registry-mode.ts'
import * as registryRepository from './asks/registry-repository.ts'
import { storageUsage, usageReconcile } from './asks/registry-storage.ts'
import * as registryTag from './asks/registry-tag.ts'
import { projectTally } from './asks/registry-tally.ts'
import * as token from './asks/token.ts'
import type { Bucket } from './buckets.ts'
import type { EventKind } from './event.ts'
import * as coreEvents from './events/core.ts'
import { auditRecorded } from './events/core-audit.ts'
import { robotWarned } from './events/core-robot.ts'
import * as registryEvents from './events/registry.ts'
import { blobCorrupted } from './events/registry-blob.ts'
import { artifactPulled } from './events/registry-pull.ts'
import { quotaWarned } from './events/registry-quota.ts'
import type { JobKind } from './job.ts'
import type { ServiceName } from './services.ts'

/** What the registry knows of repositories, artifacts, tags and labels, and what core may have done to them. */
const REGISTRY_LISTS: readonly Ask[] = [
  ...Object.values(registryRepository),
  ...Object.values(registryArtifact),
  ...Object.values(registryTag),
  ...Object.values(registryLabel),
]

/** Every question that can be asked. */
export const ASKS: readonly Ask[] = [
  core.accessGrant,
  core.projectResolve,
  logCollector.linesSearch,
  registry.projectPut,
  registry.projectClose,
  registry.projectCount,
  projectTally,
  modePut,
  storageUsage,
  usageReconcile,
  gcSweep,
  ...REGISTRY_LISTS,
  token.keyList,
  token.keyRotate,
  token.accessIssue,
  token.personIssue,
  ...Object.values(healthCheck),
]

/** Everything that is told. */
export const EVENTS: readonly EventKind[] = [
  coreEvents.projectCreated,
  coreEvents.projectUpdated,
  coreEvents.projectDeleted,
  auditRecorded,
  robotWarned,
  registryEvents.artifactPushed,
  artifactPulled,
  registryEvents.artifactDeleted,
  registryEvents.tagCreated,
  registryEvents.tagDeleted,
  blobCorrupted,
  quotaWarned,
]

/**
 * Every kind of work, each with a durable consumer named like its type. Empty: kinds come with the jobservice, and with
 * it the right to give and to take them, so that until then nobody has it.
 */
export const JOBS: readonly JobKind[] = []

/** Durable consumers of streams; `berth provision` makes them. */
export const CONSUMERS = {
  'registry-projects': { stream: 'EVENTS', filter: 'event.project.>', owner: 'registry' },
  'core-audit': { stream: 'EVENTS', filter: ['event.artifact.>', 'event.tag.>'], owner: 'core' },
  'log-collector': { stream: 'LOGS', filter: 'log.>', owner: 'log-collector' },
  'log-collector-audit': { stream: 'EVENTS', filter: 'event.audit.>', owner: 'log-collector' },
} as const
export type ConsumerName = keyof typeof CONSUMERS

/** What each service asks and reads of the others; its NATS permissions are made from this. */
export const USES: Record<ServiceName, { asks: readonly Ask[]; reads: readonly Bucket[]; writes: readonly Bucket[] }> =
  {
    core: {
      asks: [
        registry.projectPut,
        registry.projectClose,
        registry.projectCount,
        projectTally,
        modePut,
        storageUsage,
        usageReconcile,
        ...REGISTRY_LISTS,
        token.keyList,
        token.keyRotate,
        token.personIssue,
        logCollector.linesSearch,
        ...Object.values(healthCheck),
      ],
      reads: [],
      writes: ['settings', 'routes'],
    },
    gateway: { asks: [], reads: ['routes'], writes: [] },
    'log-collector': { asks: [token.keyList], reads: ['settings'], writes: [] },
    registry: { asks: [core.accessGrant, core.projectResolve, token.keyList], reads: ['settings'], writes: [] },
    token: { asks: [core.accessGrant], reads: ['settings'], writes: [] },
  }
