import type { S3Account } from './peers/s3-peer.ts'

/** Settings of a suite that keeps its bytes in an S3. */
export function s3Settings(account: S3Account, more: Record<string, string> = {}): Record<string, string> {
  return {
    BERTH_STORAGE: 's3',
    BERTH_S3_ENDPOINT: account.endpoint,
    BERTH_S3_REGION: account.region,
    BERTH_S3_BUCKET: account.bucket,
    BERTH_S3_ACCESS_KEY: account.accessKey,
    BERTH_S3_SECRET_KEY: account.secretKey,
    BERTH_S3_PATH_STYLE: 'true',
    ...more,
  }
}
