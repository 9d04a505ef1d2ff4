import type { Database } from '@berth/db'
import type { Answer, Bus } from '@berth/messaging'
import type { Logger, ServiceSettings } from '@berth/runtime'
import type { Express } from 'express'
import { createApp } from './app.ts'
import { createAuditTrail } from './audit/index.ts'
import { createAttempts } from './caller/attempts.ts'
import { authenticate } from './caller/authenticate.ts'
import { createBasicSignIn } from './caller/basic-sign-in.ts'
import { deriveKeys } from './caller/keys.ts'
import { createPasswordHasher } from './caller/password.ts'
import type { Config } from './config.ts'
import { createMembers, memberRoutes, memberStore } from './member/index.ts'
import {
  createAccessChanges,
  createProjectDeletion,
  createProjectDoor,
  createProjects,
  createRegistryPolicy,
  type ProjectDeletion,
  projectRoutes,
  projectStore,
} from './project/index.ts'
import { createRobotSignIn, createRobots, permissionRoutes, robotRotationRoutes, robotRoutes } from './robot/index.ts'
import { createSessionSignIn, sessionRoutes } from './session/index.ts'
import { createSettings, type Settings } from './setting/settings.ts'
import { coreAnswers, createHealth, suiteRoutes, systemRoutes } from './system/index.ts'
import { forgetShownPassword, setFirstPassword } from './user/first-password.ts'
import { userStore } from './user/index.ts'
import { createOwnPermissions } from './user/own-permissions.ts'
import { userRoutes } from './user/user-routes.ts'
import { createUsers } from './user/user-service.ts'

export interface Core {
  app: Express
  answers: Answer[]
  settings: Settings
  deletion: ProjectDeletion
}

/** Builds every feature from its adapters, and gives the admin a first password if there is none. */
export async function assemble(deps: {
  config: Omit<Config, keyof ServiceSettings | 'databaseUrl'>
  database: Database
  bus: Bus
  log: Logger
  /** Events wait in the outbox. */
  poke: () => void
  /** Checks answers by the API documents. */
  checkAnswers?: boolean
}): Promise<Core> {
  const { config, database, bus, log, poke, checkAnswers } = deps
  const { externalUrl, storage } = config
  const keys = deriveKeys(config.secretKey)
  const settings = createSettings(database)
  await settings.refresh()
  const audit = createAuditTrail(settings)

  const hasher = createPasswordHasher()
  await setFirstPassword(database, hasher, config.adminPassword, log)
  const basic = createBasicSignIn({
    sources: {
      accountByName: (username) => userStore.accountByName(database, username),
      accountById: (id) => userStore.accountById(database, id),
      robot: createRobotSignIn(database, settings, keys.robotSecret),
      accessToken: () => undefined,
      elsewhere: [],
    },
    hasher,
    attempts: createAttempts(config.failedLogins),
    log,
  })
  const sessions = createSessionSignIn(database, settings)

  const registry = createRegistryPolicy(bus)
  const door = createProjectDoor(database)
  const access = createAccessChanges({ database, registry, poke })
  const deletion = createProjectDeletion({ database, registry, poke, log })
  const projects = createProjects({ database, registry, deletion, settings, poke })
  const members = createMembers({ database, door, access })
  const users = createUsers({
    database,
    hasher,
    access,
    leaveProjects: memberStore.removeOfUser,
    projectsOf: (userId) => projectStore.idsOfMember(database, userId),
    onAdminPasswordChanged: () => forgetShownPassword(config.adminPasswordFile, log),
  })
  const robots = createRobots({ database, door, access, audit, settings, secretKey: keys.robotSecret })
  const health = createHealth({ bus, database })

  const app = createApp({
    log,
    csrfSecret: keys.csrf,
    externalUrl,
    authenticate: authenticate(basic, sessions),
    browser: sessionRoutes(basic, sessions, externalUrl),
    harbor: [
      systemRoutes(health, { settings, externalUrl, storage }),
      projectRoutes(projects, database),
      memberRoutes(members),
      userRoutes(users, createOwnPermissions(database)),
      robotRoutes(robots, settings),
      permissionRoutes(database),
    ],
    berth: [suiteRoutes(bus, health), robotRotationRoutes(robots)],
    checkAnswers,
  })
  return { app, answers: coreAnswers({ database, basic, sessions, settings }), settings, deletion }
}
