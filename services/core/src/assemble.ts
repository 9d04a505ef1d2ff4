import type { Database } from '@berth/db'
import { createEgress } from '@berth/egress'
import type { Answer, Bus } from '@berth/messaging'
import type { Logger, ServiceSettings } from '@berth/runtime'
import type { Express } from 'express'
import {
  accessTokenRoutes,
  accessTokenStore,
  createAccessTokenSignIn,
  createAccessTokens,
} from './access-token/index.ts'
import { allowlistRoutes, createSuiteAllowlist } from './allowlist/index.ts'
import { createApp } from './app.ts'
import {
  type AuditTrail,
  auditRoutes,
  createAuditLists,
  createAuditTrail,
  failedChanges,
  recordFailedSignIns,
} from './audit/index.ts'
import { createAttempts } from './caller/attempts.ts'
import { authenticate } from './caller/authenticate.ts'
import { createBasicSignIn } from './caller/basic-sign-in.ts'
import { openKeys } from './caller/keys.ts'
import { createPasswordHasher } from './caller/password.ts'
import type { Config } from './config.ts'
import { contentRoutes } from './content/index.ts'
import { createGroups, groupRoutes, groupStore } from './group/index.ts'
import { createIdentities } from './identity/index.ts'
import { createImmutableRules, immutableRoutes } from './immutable/index.ts'
import { createLabels, createPurgeLabel, type Labels, labelRoutes } from './label/index.ts'
import { createLdap, createLdapSignIn, ldapRoutes } from './ldap/index.ts'
import { createFindEntity, createMembers, memberRoutes, memberStore } from './member/index.ts'
import { oidcPlaces, oidcStore, wireOidc } from './oidc/index.ts'
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
import { createQuotas, quotaRoutes } from './quota/index.ts'
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
import { gdprOptions } from './user/forget-names.ts'
import { userStore } from './user/index.ts'
import { createOwnPermissions } from './user/own-permissions.ts'
import { userExistsRoutes } from './user/user-exists-routes.ts'
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
  const teller = createSettingsTeller({ bus, database, settings, log })
  const audit = createAuditTrail(settings)
  const configuration = createConfiguration({
    database,
    settings,
    seal,
    overrides: config.overrides,
    audit,
    inForce: teller.inForce,
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
  const attempts = createAttempts(config.failedLogins)
  const signIn = createBasicSignIn({
    sources: {
      accountByName: (username) => userStore.accountByName(database, username),
      accountById: userStore.accountLookup(database),
      robot: createRobotSignIn(database, settings, keys.robotSecret),
      accessToken: createAccessTokenSignIn(database, keys.accessToken),
      elsewhere: [createLdapSignIn({ settings, egress, identities, log }), oidc.passwords],
    },
    hasher,
    attempts,
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
  const { directory } = ldap
  const groups = createGroups({ database, access, audit, directory })
  const findEntity = createFindEntity({ database, identities, directory, settings })
  const members = createMembers({ database, door, access, audit, findEntity })
  const users = createUsers({
    database,
    hasher,
    attempts,
    access,
    audit,
    settings,
    projectsOf: projectStore.idsOfMember,
    leave: [memberStore.removeOfUser, groupStore.leaveAll, accessTokenStore.removeOfUser, oidcStore.forget],
    gdpr: gdprOptions(config.gdpr, keys.pseudonym),
    onAdminPasswordChanged: () => forgetShownPassword(config.adminPasswordFile, log),
  })
  const cliSecrets = createCliSecrets({ database, settings, seal, audit })
  const accessTokens = createAccessTokens({ database, access, audit, key: keys.accessToken })
  const robots = createRobots({ database, door, access, audit, settings, secretKey: keys.robotSecret })
  const health = createHealth({ bus, database })

  const app = createApp({
    log,
    csrfSecret: keys.csrf,
    externalUrl,
    authenticate: authenticate({ basic, bearer: oidc.bearer, sessions }),
    audited: failedChanges({ database, audit, log }),
    readOnly: refuseWhileReadOnly(settings),
    browser: [
      sessionRoutes({ basic, sessions, elsewhere: oidc.elsewhere, externalUrl }),
      oidc.browser,
      userExistsRoutes(users),
      internalRoutes({ database, bus, audit }),
    ],
    harbor: [
      // What is asked most comes first: each request tries one after the other.
      ...contentRoutes({ database, bus, door, projects, audit }),
      systemRoutes({ health, bus, settings, externalUrl, storage, caFile: config.caFile }),
      settingRoutes(configuration),
      projectRoutes(projects, database),
      metadataRoutes(createMetadata({ door, policies, audit })),
      labelRoutes(labels),
      immutableRoutes(createImmutableRules({ database, door, policies, audit })),
      quotaRoutes(createQuotas({ database, registry, policies, audit })),
      allowlistRoutes(createSuiteAllowlist({ database, policies, audit })),
      memberRoutes(members),
      groupRoutes(groups),
      userRoutes(users, createOwnPermissions(database), cliSecrets.metaOf),
      cliSecretRoutes(cliSecrets),
      oidc.harbor,
      robotRoutes(robots, settings),
      permissionRoutes(database),
      ldapRoutes(ldap),
      auditRoutes(createAuditLists({ db: database, door })),
    ],
    berth: [suiteRoutes(bus, health), robotRotationRoutes(robots), accessTokenRoutes(accessTokens)],
    checkAnswers,
  })
  return {
    app,
    answers: coreAnswers({ database, basic, bearer: oidc.bearer, sessions, settings }),
    settings,
    teller,
    audit,
    health,
    deletion,
    labels,
  }
}
