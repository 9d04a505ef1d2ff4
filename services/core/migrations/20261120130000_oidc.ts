import type { Migration } from '@berth/db'

/** What is kept of people who sign in at an OIDC provider: their CLI secrets, and how to ask whether they still may. */
export const oidcPeople: Migration = {
  name: '20261120130000_oidc',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE oidc_people (
        user_id integer CONSTRAINT oidc_people_pkey PRIMARY KEY
          CONSTRAINT oidc_people_user_id_fkey REFERENCES users ON DELETE CASCADE,
        issuer text NOT NULL,
        subject text NOT NULL,
        cli_secret text NOT NULL,
        refresh_token text,
        alive_until timestamptz NOT NULL,
        refreshing_until timestamptz,
        ended_at timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      );
      COMMENT ON COLUMN oidc_people.cli_secret IS 'sealed, since its owner may read it again';
      COMMENT ON COLUMN oidc_people.refresh_token IS 'sealed; goes to the provider of this issuer only';
      COMMENT ON COLUMN oidc_people.alive_until IS 'how long the last answer of the provider counts';
      COMMENT ON COLUMN oidc_people.refreshing_until IS 'one replica is asking the provider until then';
      COMMENT ON COLUMN oidc_people.ended_at IS 'when the provider first said that the session is over';

      CREATE TABLE oidc_sessions (
        session bytea CONSTRAINT oidc_sessions_pkey PRIMARY KEY
          CONSTRAINT oidc_sessions_session_fkey REFERENCES sessions (id_hash) ON DELETE CASCADE,
        id_token text
      );
      COMMENT ON TABLE oidc_sessions IS 'browser sessions that began at the provider';
      COMMENT ON COLUMN oidc_sessions.id_token IS 'sealed; tells the provider which session to end';

      CREATE TABLE oidc_onboardings (
        id_hash bytea CONSTRAINT oidc_onboardings_pkey PRIMARY KEY,
        person text NOT NULL,
        expires_at timestamptz NOT NULL
      );
      CREATE INDEX oidc_onboardings_expires_at_idx ON oidc_onboardings (expires_at);
      COMMENT ON TABLE oidc_onboardings IS 'people the provider vouched for who have yet to choose a user name';
      COMMENT ON COLUMN oidc_onboardings.person IS 'sealed';
    `),
}
