import type { Migration } from '@berth/db'

/** Says what stands in two columns since people of a directory are known by what outlives a move of their entry. */
export const identitySubjects: Migration = {
  name: '20261120120000_identity_subjects',
  up: (knex) =>
    knex.raw(`
      COMMENT ON COLUMN identities.issuer IS 'LDAP: the name of the directory among ours; OIDC: the claim iss';
      COMMENT ON COLUMN identities.subject IS
        'LDAP: the lasting id of the entry with its attribute, else the DN, normalised; OIDC: the claim sub';
    `),
}
