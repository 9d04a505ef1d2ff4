import type { Database } from '@berth/db'
import { createEgress } from '@berth/egress'
import type { Answer, Bus } from '@berth/messaging'
import type { Logger, ServiceSettings } from '@berth/runtime'
import type { Express } from 'express'
import { createApp } from './app.ts'
import {
  type AuditTrail,
  auditRoutes,
  createAuditLists,
  createAuditTrail,
  failedChanges,
  recordFailedSignIns,
} from './audit/index.ts'
import { allowlistRoutes, createSuiteAllowlist } from './allowlist/index.ts'
import { createAttempts } from './caller/attempts.ts'
import { authenticate } from './caller/authenticate.ts'
import { createBasicSignIn } from './caller/basic-sign-in.ts'
import { openKeys } from './caller/keys.ts'
import { createPasswordHasher } from './caller/password.ts'
import type { Config } from './config.ts'
import { contentRoutes } from './content/index.ts'
import { createIdentities } from './identity/index.ts'
import { createLdap, createLdapSignIn, ldapRoutes } from './ldap/index.ts'
import { createImmutableRules, immutableRoutes } from './immutable/index.ts'
import { createLabels, createPurgeLabel, type Labels, labelRoutes } from './label/index.ts'
import { createMembers, memberRoutes, memberStore } from './member/index.ts'
import { oidcPlaces, wireOidc } from './oidc/index.ts'
import {
  createAccessChanges,
  createMetadata,
  createPolicyChanges,
  createProjectDeletion,
  createProjectDoor,
  createProjects,
  createRegistryPolicy,
  metadataRoutes,
  type ProjectDeletion,
  projectRoutes,
  projectStore,
} from './project/index.ts'
import { createQuotaSwitch, createQuotas, type QuotaSwitch, quotaRoutes } from './quota/index.ts'
import { createRobotSignIn, createRobots, permissionRoutes, robotRotationRoutes, robotRoutes } from './robot/index.ts'
import { createKeyring, createSeal, keyPlace, reseal } from './secret/index.ts'
import { createSessionSignIn, sessionRoutes } from './session/index.ts'
import {
  applyOverrides,
  createConfiguration,
  createEndpointCheck,
  createSettings,
  createSettingsTeller,
  refuseWhileReadOnly,
  type Settings,
  type SettingsTeller,
  settingPlace,
  settingRoutes,
} from './setting/index.ts'
import { coreAnswers, createHealth, type Health, internalRoutes, suiteRoutes, systemRoutes } from './system/index.ts'
import { cliSecretRoutes } from './user/cli-secret-routes.ts'
import { createCliSecrets } from './user/cli-secret-service.ts'
import { forgetShownPassword, setFirstPassword } from './user/first-password.ts'
import { userStore } from './user/index.ts'
import { createOwnPermissions } from './user/own-permissions.ts'
import { userRoutes } from './user/user-routes.ts'
import { createUsers } from './user/user-service.ts'

export interface Core {
  app: Express
  answers: Answer[]
  settings: Settings
  teller: SettingsTeller
  audit: AuditTrail
  health: Health
  deletion: ProjectDeletion
  labels: Labels
  quotaSwitch: QuotaSwitch
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
  const egress = createEgress({ settings: config.egress, log })
  const seal = createSeal(config.secretKey, config.previousSecretKey)
  await reseal(database, seal, [keyPlace, settingPlace, ...oidcPlaces], log)
  const keys = await openKeys({ ...config, keyring: createKeyring(database, seal) })
  await applyOverrides(database, config.overrides, seal, log)
  const settings = createSettings(database, seal, log)
  await settings.refresh()
  const registry = createRegistryPolicy(bus)
  const policies = createPolicyChanges({ database, registry, poke })
  const quotaSwitch = createQuotaSwitch(database, policies)
  const teller = createSettingsTeller({ bus, database, settings, log })
  const audit = createAuditTrail(settings)
  const configuration = createConfiguration({
    database,
    settings,
    seal,
    overrides: config.overrides,
    audit,
    inForce: async () => {
      await teller.inForce()
      await quotaSwitch.obey()
    },
    checkEndpoint: createEndpointCheck(egress),
    log,
  })

  const hasher = createPasswordHasher()
  await setFirstPassword(database, hasher, config.adminPassword, log)
  const door = createProjectDoor(database)
  const access = createAccessChanges({ database, registry, poke })
  const identities = createIdentities({ database, access, audit })
  const ldap = createLdap({ settings, egress, identities })
  const sessions = createSessionSignIn(database, settings, audit)
  const oidc = wireOidc({ database, settings, seal, egress, identities, sessions, externalUrl, log })
  const signIn = createBasicSignIn({
    sources: {
      accountByName: (username) => userStore.accountByName(database, username),
      accountById: (id) => userStore.accountById(database, id),
      robot: createRobotSignIn(database, settings, keys.robotSecret),
      accessToken: () => undefined,
      elsewhere: [createLdapSignIn({ settings, egress, identities, log }), oidc.passwords],
    },
    hasher,
    attempts: createAttempts(config.failedLogins),
    log,
  })
  const basic = recordFailedSignIns(signIn, {
    db: database,
    audit,
    log,
    isKnown: async (username) =>
      username.startsWith(settings.get('robot_name_prefix')) ||
      (await userStore.accountByName(database, username)) !== undefined,
  })

  const deletion = createProjectDeletion({ database, registry, audit, poke, log })
  const projects = createProjects({ database, registry, policies, deletion, settings, audit, poke })
  const labels = createLabels({ database, door, audit, purge: createPurgeLabel(bus), log })
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
    audited: failedChanges({ database, audit, log }),
    readOnly: refuseWhileReadOnly(settings),
    browser: [
      sessionRoutes({ basic, sessions, elsewhere: oidc.elsewhere, externalUrl }),
      oidc.browser,
      internalRoutes({ database, bus, audit }),
    ],
    harbor: [
      systemRoutes({ health, bus, settings, externalUrl, storage, caFile: config.caFile }),
      settingRoutes(configuration),
      projectRoutes(projects, database),
      metadataRoutes(createMetadata({ door, policies, audit })),
      labelRoutes(labels),
      immutableRoutes(createImmutableRules({ database, door, policies, audit })),
      quotaRoutes(createQuotas({ database, registry, policies, audit })),
      allowlistRoutes(createSuiteAllowlist({ database, policies, audit })),
      memberRoutes(members),
      userRoutes(users, createOwnPermissions(database)),
      cliSecretRoutes(createCliSecrets({ database, settings, seal, audit })),
      oidc.harbor,
      robotRoutes(robots, settings),
      permissionRoutes(database),
      ldapRoutes(ldap),
      ...contentRoutes({ database, bus, door, projects, audit }),
      auditRoutes(createAuditLists({ db: database, door })),
    ],
    berth: [suiteRoutes(bus, health), robotRotationRoutes(robots)],
    checkAnswers,
  })
  return {
    app,
    answers: coreAnswers({ database, basic, sessions, settings }),
    settings,
    teller,
    audit,
    health,
    deletion,
    labels,
    quotaSwitch,
  }
}
