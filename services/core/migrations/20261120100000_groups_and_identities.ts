import type { Migration } from '@berth/db'

/** Groups of people, also as members of projects, and who a user is at a directory or a provider. */
export const groupsAndIdentities: Migration = {
  name: '20261120100000_groups_and_identities',
  up: (knex) =>
    knex.raw(`
      CREATE TABLE groups (
        id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT groups_pkey PRIMARY KEY,
        kind smallint NOT NULL CONSTRAINT groups_kind_check CHECK (kind IN (1, 2, 3)),
        name text NOT NULL,
        ldap_dn text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT groups_ldap_dn_key UNIQUE (ldap_dn),
        CONSTRAINT groups_ldap_dn_check CHECK ((kind = 1) = (ldap_dn IS NOT NULL))
      );
      CREATE UNIQUE INDEX groups_kind_name_key ON groups (kind, name) WHERE kind <> 1;
      COMMENT ON COLUMN groups.kind IS '1 LDAP, 2 HTTP, 3 OIDC, as Harbor counts';
      COMMENT ON COLUMN groups.ldap_dn IS 'normalised: lower case, no space around separators';

      CREATE TABLE group_people (
        group_id integer NOT NULL CONSTRAINT group_people_group_id_fkey REFERENCES groups ON DELETE CASCADE,
        user_id integer NOT NULL CONSTRAINT group_people_user_id_fkey REFERENCES users ON DELETE CASCADE,
        CONSTRAINT group_people_pkey PRIMARY KEY (user_id, group_id)
      );
      CREATE INDEX group_people_group_id_idx ON group_people (group_id);
      COMMENT ON TABLE group_people IS 'as the directory or the provider said when the user last signed in';

      ALTER TABLE users ADD COLUMN group_admin boolean NOT NULL DEFAULT false;
      COMMENT ON COLUMN users.group_admin IS 'an administrator by the admin group, as of the last sign-in';

      ALTER TABLE members ALTER COLUMN user_id DROP NOT NULL;
      ALTER TABLE members ADD COLUMN group_id integer CONSTRAINT members_group_id_fkey REFERENCES groups ON DELETE CASCADE;
      ALTER TABLE members ADD CONSTRAINT members_entity_check CHECK (num_nonnulls(user_id, group_id) = 1);
      ALTER TABLE members ADD CONSTRAINT members_project_id_group_id_key UNIQUE (project_id, group_id);
      CREATE INDEX members_group_id_idx ON members (group_id);

      CREATE TABLE identities (
        user_id integer NOT NULL CONSTRAINT identities_user_id_fkey REFERENCES users ON DELETE CASCADE,
        provider text NOT NULL CONSTRAINT identities_provider_check CHECK (provider IN ('ldap', 'oidc')),
        issuer text NOT NULL,
        subject text NOT NULL,
        signed_in_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT identities_pkey PRIMARY KEY (provider, issuer, subject)
      );
      CREATE INDEX identities_user_id_idx ON identities (user_id);
      COMMENT ON COLUMN identities.subject IS 'LDAP: the DN, normalised; OIDC: the claim sub';
    `),
}
