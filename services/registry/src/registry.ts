import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { TokenVerifier } from '@berth/access'
import type { Database, Relay } from '@berth/db'
import type { Answer } from '@berth/messaging'
import type { RepositoryName } from '@berth/oci'
import type { Logger } from '@berth/runtime'
import { additions } from './artifact/index.ts'
import { judgedAnswers } from './asks/index.ts'
import { type AskGrant, authenticator, basicCredentials } from './auth/index.ts'
import { blobStore } from './blob/index.ts'
import { catalogStore } from './catalog/index.ts'
import type { GcSettings } from './config.ts'
import { v2Doors } from './doors.ts'
import type { Repeated } from './every.ts'
import { healthAnswers } from './health.ts'
import { createApp } from './http/index.ts'
import { iconAnswers } from './icon/index.ts'
import { manifestStore, sweepContents } from './manifest/index.ts'
import { modeAnswers } from './policy/index.ts'
import { type AskProject, createWithProject, type ProjectStore, projectAnswers, projectStore } from './project/index.ts'
import type { PullRecorder } from './pull/index.ts'
import { referrerStore } from './referrer/index.ts'
import { repositoryAnswers, repositoryStore } from './repository/index.ts'
import { suspects } from './scrub/index.ts'
import { createRecent } from './search/index.ts'
import type { Storage } from './storage/index.ts'
import { tagStore } from './tag/index.ts'
import { createTrash, createUploads, sweepUploads, uploadStore } from './upload/index.ts'

/** How long a writer's hold on an upload lasts without being renewed. */
const LEASE_MS = 10_000
/** How long an upload may lie untouched. */
const UPLOAD_TTL_MS = 24 * 3_600_000

export interface Registry {
  listener: RequestListener
  /** Resolves when no request is being worked on any more. */
  settled(): Promise<void>
  answers: Answer[]
  projects: ProjectStore
  /** Removes what time, clients and deletions have left behind. */
  sweep(): Promise<void>
}

/** The registry on its adapters: the one place that sees all rooms. It opens and starts nothing. */
export function createRegistry(parts: {
  database: Database
  storage: Storage
  tokens: TokenVerifier
  askGrant: AskGrant
  askProject: AskProject
  relay: Pick<Relay, 'poke'>
  facts: Pick<Repeated, 'poke'>
  pulls: Pick<PullRecorder, 'note'>
  log: Logger
  externalUrl?: string
  gc: GcSettings
  leaseMs?: number
  uploadTtlMs?: number
}): Registry {
  const { database, storage, tokens, askGrant, askProject, relay, facts, log, externalUrl } = parts
  const { leaseMs = LEASE_MS, uploadTtlMs = UPLOAD_TTL_MS } = parts
  const projects = projectStore(database)
  const withProject = createWithProject(projects, askProject)
  const trash = createTrash(database, storage)
  const sessions = uploadStore(database, { holder: randomBytes(6).toString('hex'), ttlMs: uploadTtlMs })
  const tags = tagStore(database)
  const manifests = manifestStore(database)
  const recent = createRecent()
  const onChange = (repository?: RepositoryName) => {
    recent.forget(repository)
    relay.poke()
    facts.poke()
  }
  const doors = v2Doors({
    database,
    storage,
    projects,
    withProject,
    blobs: blobStore(database, parts.gc.windowMs),
    onMissing: suspects({ database, storage, log, onChange }),
    manifests,
    pulls: parts.pulls,
    referrers: referrerStore(database),
    catalog: catalogStore(database),
    tags,
    uploads: createUploads({ store: sessions, projects, withProject, storage, trash, log, leaseMs }),
    onChange,
  })
  const app = createApp({ doors, authenticator: authenticator(tokens, basicCredentials(askGrant)), externalUrl, log })
  return {
    ...app,
    answers: [
      ...projectAnswers(projects),
      ...modeAnswers(database),
      ...repositoryAnswers(repositoryStore(database), tags),
      ...judgedAnswers({
        database,
        manifests,
        projects,
        withProject,
        recent,
        onChange,
        additions: additions(database, storage),
      }),
      ...iconAnswers(database, storage),
      ...healthAnswers(database, storage),
    ],
    projects,
    sweep: async () => {
      const swept = await sweepUploads({ store: sessions, storage, trash, ttlMs: uploadTtlMs })
      const manifests = await sweepContents(database)
      if (swept.sessions + swept.files + swept.keys + manifests > 0) log.info('swept', { ...swept, manifests })
    },
  }
}
