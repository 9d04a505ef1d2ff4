import { createHash, randomBytes } from 'node:crypto'
import { type Queries, statement } from '@berth/db'

const TICKET = /^[A-Za-z0-9_-]{43}$/
const ONBOARDING_MINUTES = 10
const REFRESHING_SECONDS = 30

/** Somebody who signs in at the provider, with what is sealed still sealed. */
export interface OidcPerson {
  userId: number
  username: string
  admin: boolean
  issuer: string
  subject: string
  cliSecret: string
  refreshToken: string | null
  /** Whether the last answer of the provider still counts. */
  alive: boolean
  ended: boolean
  createdAt: Date
  updatedAt: Date
}

const PERSON = `SELECT p.user_id AS "userId", u.username, u.sysadmin OR u.group_admin AS admin, p.issuer, p.subject,
    p.cli_secret AS "cliSecret", p.refresh_token AS "refreshToken", p.alive_until > now() AS alive,
    p.ended_at IS NOT NULL AS ended, p.created_at AS "createdAt", p.updated_at AS "updatedAt"
  FROM oidc_people p JOIN users u ON u.id = p.user_id`

const byName = statement<OidcPerson>('oidc-person-by-name', `${PERSON} WHERE u.username = $1 AND u.deleted_at IS NULL`)
const byId = statement<OidcPerson>('oidc-person-by-id', `${PERSON} WHERE u.id = $1::bigint AND u.deleted_at IS NULL`)
// A provider that gives no new refresh token leaves the one it gave before.
const keep = statement(
  'oidc-person-keep',
  `INSERT INTO oidc_people (user_id, issuer, subject, cli_secret, refresh_token, alive_until)
     VALUES ($1, $2, $3, $4, $5, $6)
   ON CONFLICT ON CONSTRAINT oidc_people_pkey DO UPDATE SET issuer = excluded.issuer, subject = excluded.subject,
     refresh_token = coalesce(excluded.refresh_token,
       CASE WHEN oidc_people.issuer = excluded.issuer AND oidc_people.subject = excluded.subject
         THEN oidc_people.refresh_token END),
     alive_until = excluded.alive_until, refreshing_until = NULL, ended_at = NULL`,
)
const setSecret = statement(
  'oidc-person-set-secret',
  'UPDATE oidc_people SET cli_secret = $2, updated_at = now() WHERE user_id = $1',
)
const takeTurn = statement<{ refreshToken: string }>(
  'oidc-person-take-turn',
  `UPDATE oidc_people SET refreshing_until = now() + make_interval(secs => $2)
    WHERE user_id = $1 AND alive_until <= now() AND ended_at IS NULL AND refresh_token IS NOT NULL
      AND (refreshing_until IS NULL OR refreshing_until <= now())
    RETURNING refresh_token AS "refreshToken"`,
)
const leaveTurn = statement(
  'oidc-person-leave-turn',
  'UPDATE oidc_people SET refreshing_until = NULL WHERE user_id = $1',
)
// Whoever has signed in again meanwhile has another token, which these say nothing of.
const rotated = statement(
  'oidc-person-rotated',
  'UPDATE oidc_people SET refresh_token = $3 WHERE user_id = $1 AND refresh_token = $2',
)
const refreshed = statement(
  'oidc-person-refreshed',
  'UPDATE oidc_people SET alive_until = $3, refreshing_until = NULL WHERE user_id = $1 AND refresh_token = $2',
)
const end = statement(
  'oidc-person-end',
  `UPDATE oidc_people SET refresh_token = NULL, refreshing_until = NULL, ended_at = now()
    WHERE user_id = $1 AND refresh_token IS NOT DISTINCT FROM $2`,
)
const endNow = statement<{ refreshToken: string }>(
  'oidc-person-end-now',
  `UPDATE oidc_people p SET refresh_token = NULL, refreshing_until = NULL, ended_at = now(), alive_until = now()
     FROM (SELECT user_id, refresh_token FROM oidc_people WHERE user_id = $1 FOR UPDATE) before
    WHERE p.user_id = before.user_id RETURNING before.refresh_token AS "refreshToken"`,
)
const forget = statement('oidc-person-forget', 'DELETE FROM oidc_people WHERE user_id = $1')
const insertSession = statement('oidc-session-insert', 'INSERT INTO oidc_sessions (session, id_token) VALUES ($1, $2)')
const findSession = statement<{ idToken: string | null }>(
  'oidc-session-find',
  'SELECT id_token AS "idToken" FROM oidc_sessions WHERE session = $1',
)
const sweepOnboardings = statement('oidc-onboarding-sweep', 'DELETE FROM oidc_onboardings WHERE expires_at < now()')
const insertOnboarding = statement(
  'oidc-onboarding-insert',
  'INSERT INTO oidc_onboardings (id_hash, person, expires_at) VALUES ($1, $2, now() + make_interval(mins => $3))',
)
const findOnboarding = statement<{ person: string }>(
  'oidc-onboarding-find',
  'SELECT person FROM oidc_onboardings WHERE id_hash = $1 AND expires_at > now()',
)
const removeOnboarding = statement('oidc-onboarding-remove', 'DELETE FROM oidc_onboardings WHERE id_hash = $1')

/** What is kept for people of the provider. Everything that could sign somebody in comes and goes sealed. */
export const oidcStore = {
  byName: (db: Queries, username: string) => db.find(byName, [username]),
  byId: (db: Queries, userId: number) => db.find(byId, [userId]),

  /** After a sign-in; `cliSecret` is for those who have none yet. */
  keep: (
    db: Queries,
    person: {
      userId: number
      issuer: string
      subject: string
      cliSecret: string
      refreshToken: string | null
      aliveUntil: Date
    },
  ) => {
    const { userId, issuer, subject, cliSecret, refreshToken, aliveUntil } = person
    return db.run(keep, [userId, issuer, subject, cliSecret, refreshToken, aliveUntil])
  },
  setSecret: (tx: Queries, userId: number, cliSecret: string) => tx.run(setSecret, [userId, cliSecret]),

  /** The right to ask the provider, for 30 seconds; `undefined`: another replica has it, or there is nothing to ask. */
  takeTurn: (db: Queries, userId: number) => db.find(takeTurn, [userId, REFRESHING_SECONDS]),
  leaveTurn: (db: Queries, userId: number) => db.run(leaveTurn, [userId]),
  rotated: (db: Queries, userId: number, before: string, after: string) => db.run(rotated, [userId, before, after]),
  refreshed: (db: Queries, userId: number, refreshToken: string, aliveUntil: Date) =>
    db.run(refreshed, [userId, refreshToken, aliveUntil]),
  /** The provider says that this refresh token is worth nothing. */
  end: (db: Queries, userId: number, refreshToken: string | null) => db.run(end, [userId, refreshToken]),
  /** The person has signed out of the provider; the refresh token that is forgotten. */
  endNow: async (db: Queries, userId: number) => (await db.find(endNow, [userId]))?.refreshToken ?? undefined,

  /** Of a user who is being deleted. */
  forget: (tx: Queries, userId: number) => tx.run(forget, [userId]),

  addSession: (db: Queries, session: Buffer, idToken: string | null) => db.run(insertSession, [session, idToken]),
  findSession: (db: Queries, session: Buffer) => db.find(findSession, [session]),

  /** Keeps what the provider said of somebody for ten minutes; the ticket to hand to their browser. */
  async addOnboarding(db: Queries, person: string): Promise<string> {
    const ticket = randomBytes(32).toString('base64url')
    await db.run(sweepOnboardings)
    await db.run(insertOnboarding, [hashOf(ticket), person, ONBOARDING_MINUTES])
    return ticket
  },
  async findOnboarding(db: Queries, ticket: string): Promise<string | undefined> {
    if (!TICKET.test(ticket)) return undefined
    return (await db.find(findOnboarding, [hashOf(ticket)]))?.person
  },
  removeOnboarding: (db: Queries, ticket: string) => db.run(removeOnboarding, [hashOf(ticket)]),
}

function hashOf(ticket: string): Buffer {
  return createHash('sha256').update(ticket).digest()
}
