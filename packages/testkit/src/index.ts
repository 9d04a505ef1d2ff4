export { type HeadlessBrowser, openHeadlessBrowser } from './identity/browser.ts'
export { type IdentityProvider, startIdentityProvider } from './identity/identity-provider.ts'
export {
  INDEX_TYPE,
  indexOf,
  MANIFEST_TYPE,
  sha256,
  someBytes,
  someImage,
  type TestImage,
  type TestIndex,
} from './image.ts'
export { askMalformed } from './malformed/index.ts'
export { type ThrowAwayNats, throwAwayNats } from './nats.ts'
export { suiteAccounts } from './nats-accounts.ts'
export { type ThrowAwayPostgres, throwAwayPostgres } from './postgres.ts'
export { type RunningSuite, refusedSuite, type SuiteWish, startSuite } from './suite.ts'
export { openSyslogReceiver, type SyslogReceiver } from './syslog-receiver.ts'
export { type TempDir, tempDir } from './temp-dir.ts'
export { createTokenMint, type TokenMint } from './token-mint.ts'
