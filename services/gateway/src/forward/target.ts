/** Where a service listens. */
export interface Target {
  readonly hostname: string
  readonly port: number
}

export interface Limits {
  connectTimeoutMs: number
  /** From the last byte of the request to the first of the answer. */
  answerTimeoutMs: number
}
