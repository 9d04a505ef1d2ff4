import type { Migration } from '@berth/db'

export const createSigningKey: Migration = {
  name: '20261120090000_create_signing_key',
  up: (knex) =>
    knex.raw(`CREATE TABLE token.signing_key (
      id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT signing_key_pkey PRIMARY KEY,
      kid text NOT NULL CONSTRAINT signing_key_kid_key UNIQUE,
      alg text NOT NULL CONSTRAINT signing_key_alg_check CHECK (alg IN ('RS256', 'ES256')),
      public_jwk jsonb NOT NULL,
      sealed_private bytea,
      created_at timestamptz NOT NULL DEFAULT now(),
      signs_from timestamptz NOT NULL,
      signed_until timestamptz NOT NULL
    )`),
}
