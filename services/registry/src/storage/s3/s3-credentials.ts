import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { S3Settings } from '@berth/runtime'
import { CredentialProvider } from 'minio/dist/esm/CredentialProvider.mjs'
import { assumeRoleWithWebIdentity } from './web-identity.ts'

/** Who we are to the S3. */
export interface S3Credentials {
  accessKey: string
  secretKey: string
  sessionToken?: string
  /** Until when they hold; absent: until they are changed. */
  expiresAt?: Date
}

/** New ones are fetched so long before the old ones end. */
const EARLY_MS = 5 * 60_000
const LOOK_AGAIN_MS = 60_000

/**
 * Where the credentials come from: our own settings, else the variables and files other programs for S3 read, in their
 * order: `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY`; `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`, exchanged
 * at the security token service; the profile `AWS_PROFILE` of `AWS_SHARED_CREDENTIALS_FILE`. Files may change at any
 * time.
 */
export function credentialsOf(settings: S3Settings, env: NodeJS.ProcessEnv): CredentialProvider {
  if (settings.credentials !== undefined) return new CredentialProvider(settings.credentials)
  const [accessKey, secretKey, sessionToken] = [
    env.AWS_ACCESS_KEY_ID,
    env.AWS_SECRET_ACCESS_KEY,
    env.AWS_SESSION_TOKEN || undefined,
  ]
  if (accessKey && secretKey) return new CredentialProvider({ accessKey, secretKey, sessionToken })
  const [tokenFile, roleArn] = [env.AWS_WEB_IDENTITY_TOKEN_FILE, env.AWS_ROLE_ARN]
  if (tokenFile && roleArn) {
    return new FetchedCredentials(() =>
      assumeRoleWithWebIdentity({
        endpoint: env.AWS_ENDPOINT_URL_STS || `https://sts.${settings.region}.amazonaws.com`,
        roleArn,
        sessionName: env.AWS_ROLE_SESSION_NAME || 'berth-registry',
        tokenFile,
        caFile: settings.caFile,
      }),
    )
  }
  const file = env.AWS_SHARED_CREDENTIALS_FILE || join(env.HOME || homedir(), '.aws', 'credentials')
  const profile = env.AWS_PROFILE || 'default'
  return new FetchedCredentials(async () => ({
    ...profileOf(await readFile(file, 'utf8'), profile),
    expiresAt: new Date(Date.now() + EARLY_MS + LOOK_AGAIN_MS),
  }))
}

/** One section of a file in the format of AWS' shared credentials. @throws {Error} */
function profileOf(text: string, profile: string): S3Credentials {
  const values = new Map<string, string>()
  let isOurs = false
  for (const line of text.split('\n')) {
    const section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1]
    if (section !== undefined) isOurs = section === profile
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? []
    if (isOurs && name !== undefined && value !== undefined) values.set(name, value)
  }
  const [accessKey, secretKey] = [values.get('aws_access_key_id'), values.get('aws_secret_access_key')]
  if (accessKey === undefined || secretKey === undefined) {
    throw new Error(`the file of credentials has none for the profile ${profile}`)
  }
  return { accessKey, secretKey, sessionToken: values.get('aws_session_token') }
}

/** Asked for when the ones at hand are about to end, once for all who wait. */
class FetchedCredentials extends CredentialProvider {
  readonly #fetch: () => Promise<S3Credentials>
  #expiresAt = 0
  #fetching: Promise<void> | undefined

  constructor(fetch: () => Promise<S3Credentials>) {
    super({ accessKey: '', secretKey: '' })
    this.#fetch = fetch
  }

  override async getCredentials() {
    if (Date.now() > this.#expiresAt - EARLY_MS) {
      this.#fetching ??= this.#refresh().finally(() => {
        this.#fetching = undefined
      })
      // Those at hand do while new ones cannot be had.
      await this.#fetching.catch((err) => {
        if (Date.now() > this.#expiresAt) throw err
      })
    }
    return super.getCredentials()
  }

  async #refresh(): Promise<void> {
    const { accessKey, secretKey, sessionToken, expiresAt } = await this.#fetch()
    this.setAccessKey(accessKey)
    this.setSecretKey(secretKey)
    this.setSessionToken(sessionToken ?? '')
    this.#expiresAt = expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
  }
}
