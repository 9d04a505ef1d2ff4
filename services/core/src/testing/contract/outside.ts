import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { tempDir } from '@berth/testkit'
import { startLdapDouble } from '../ldap-double.ts'

/** What a core is told of the world outside: a directory, a provider, who signed its certificate. */
export interface Outside {
  env: NodeJS.ProcessEnv
  issuer: string
  stop(): Promise<void>
}

export const PERSON = 'ada'
export const GROUP = 'readers'
const BASE = 'dc=example,dc=org'
const PERSON_DN = `uid=${PERSON},ou=people,${BASE}`

export async function openOutside(): Promise<Outside> {
  const dir = await tempDir('contract')
  const caFile = join(dir.path, 'ca.crt')
  await writeFile(caFile, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n')
  const directory = await startLdapDouble({
    entries: [
      {
        dn: PERSON_DN,
        attributes: { objectClass: 'inetOrgPerson', uid: PERSON, cn: 'Ada', mail: `${PERSON}@example.org` },
      },
      {
        dn: `cn=${GROUP},ou=groups,${BASE}`,
        attributes: { objectClass: 'groupOfNames', cn: GROUP, member: PERSON_DN },
      },
    ],
  })
  const provider = await startProvider()
  return {
    issuer: provider.url,
    env: {
      BERTH_CORE_CA_FILE: caFile,
      BERTH_CORE_FAILED_LOGINS_PER_ACCOUNT: '0',
      BERTH_CORE_FAILED_LOGINS_PER_ADDRESS: '0',
      BERTH_EGRESS_ALLOW: '127.0.0.1',
      LDAP_URL: `ldap://127.0.0.1:${directory.port}`,
      LDAP_BASE_DN: BASE,
      LDAP_UID: 'uid',
      LDAP_GROUP_BASE_DN: BASE,
      LDAP_GROUP_GID: 'cn',
      LDAP_GROUP_FILTER: '(objectClass=groupOfNames)',
    },
    async stop() {
      await Promise.all([directory.stop(), provider.stop()])
      await dir.remove()
    },
  }
}

/** Answers what a provider says of itself, and nothing else. */
async function startProvider(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((req, res) => {
    const url = `http://${req.headers.host}`
    res.setHeader('content-type', 'application/json')
    res.end(
      JSON.stringify({
        issuer: url,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/keys`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}
