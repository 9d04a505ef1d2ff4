export { sessionRoutes } from './session-routes.ts'
export { createSessionSignIn, type SessionSignIn } from './session-sign-in.ts'
export { sessionStore } from './session-store.ts'
export { startSessionSweep } from './session-sweep.ts'
