import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Tools } from '../../tools/install.ts'
import { run, runOk, startDaemon, until } from '../process.ts'
import { freePort } from '../scratch.ts'

export const DIRECTORY_BASE = 'dc=example,dc=org'
export const MANAGER = { dn: `cn=manager,${DIRECTORY_BASE}`, password: 'manager-password' }

export interface Directory {
  /** `ldap://127.0.0.1:port`, which knows StartTLS. */
  url: string
  /** `ldaps://127.0.0.1:port` */
  tlsUrl: string
  /** PEM of the certificate it shows. */
  certificate: string
  /** Adds entries, as LDIF. */
  add(ldif: string): Promise<void>
  /** Changes entries, as LDIF with change types. */
  modify(ldif: string): Promise<void>
  stop(): Promise<void>
}

/**
 * Debian's slapd with the overlay `memberof`, empty but for its base. Nobody reads who has not bound; an empty password
 * binds as nobody (`bind_anon_cred`), as many directories have it.
 */
export async function startSlapd(tools: Tools, home: string): Promise<Directory> {
  const place = join(home, 'slapd')
  await mkdir(join(place, 'db'), { recursive: true })
  const at = (name: string): string => join(place, name)
  const root = dirname(dirname(await programAt(tools, 'slapd')))
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at('key.pem')]
  await runOk('openssl', ['req', '-x509', '-days', '2', ...subject, ...key, '-out', at('cert.pem')], { env: tools.env })
  const [port, tlsPort] = [await freePort(), await freePort()]
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `/etc/ldap/schema/${name}.schema`)
  await writeFile(
    at('slapd.conf'),
    `${schemas.map((path) => `include ${join(dirname(root), path)}`).join('\n')}
modulepath ${join(root, 'lib/ldap')}
moduleload back_mdb
moduleload memberof
allow bind_v2 bind_anon_cred
pidfile ${at('pid')}
argsfile ${at('args')}
TLSCertificateFile ${at('cert.pem')}
TLSCertificateKeyFile ${at('key.pem')}
database mdb
suffix "${DIRECTORY_BASE}"
rootdn "${MANAGER.dn}"
rootpw ${MANAGER.password}
directory ${at('db')}
overlay memberof
memberof-refint TRUE
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
`,
  )
  const urls = [`ldap://127.0.0.1:${port}`, `ldaps://127.0.0.1:${tlsPort}`] as const
  const args = ['-f', at('slapd.conf'), '-h', urls.map((url) => `${url}/`).join(' '), '-d', 'none']
  const daemon = startDaemon('slapd', args, { env: tools.env, logFile: at('log') })
  const bound = ['-x', '-H', urls[0], '-D', MANAGER.dn, '-w', MANAGER.password]
  await until('slapd to answer', 15_000, async () => {
    if (!daemon.running()) throw new Error(`slapd left:\n${await daemon.log()}`)
    return (await run('ldapwhoami', bound, { env: tools.env })).code === 0
  })
  let files = 0
  const change = async (program: string, ldif: string): Promise<void> => {
    const file = at(`${files++}.ldif`)
    await writeFile(file, ldif)
    await runOk(program, [...bound, '-f', file], { env: tools.env })
  }
  const directory: Directory = {
    url: urls[0],
    tlsUrl: urls[1],
    certificate: await readFile(at('cert.pem'), 'utf8'),
    add: (ldif) => change('ldapadd', ldif),
    modify: (ldif) => change('ldapmodify', ldif),
    stop: () => daemon.stop(),
  }
  await directory.add(`dn: ${DIRECTORY_BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\n`)
  return directory
}

async function programAt(tools: Tools, name: string): Promise<string> {
  const { stdout } = await runOk('sh', ['-c', `command -v ${name}`], { env: tools.env })
  return stdout.trim()
}
