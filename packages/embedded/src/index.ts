export { guardian } from './guardian.ts'
export { type NatsAccount, renderNatsConfig, renderNatsUsers } from './nats-config.ts'
export { type NatsOptions, type RunningNats, startNats } from './nats-server.ts'
export {
  addNatsUser,
  credentialsPath,
  type ExternalNatsUser,
  listNatsUsers,
  removeNatsUser,
} from './nats-users.ts'
export { freePort } from './ports.ts'
export { type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts'
export { EXIT, type ExitCode, StartRefused } from './start-refused.ts'
export { readSuite, Suite } from './suite-file.ts'
