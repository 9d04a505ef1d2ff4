export { type GatewayProcess, startGateway } from './process.ts'
export { sendRaw, statusesOf } from './raw.ts'
export { openService, type Seen, type Service } from './service.ts'
export { ask, basic, codesOf, openTrial, startTrial, type Trial, until } from './trial.ts'
